package health

import "testing"

// A target that nobody knows is well with its first good answer, or ill after some bad ones; after that, so many answers in a
// row that say otherwise change the opinion.
func TestOpinionOfATarget(t *testing.T) {
	for _, tt := range []struct{ name, answers, told string }{
		{"well at once", "+", "+"},
		{"ill after two", "--", ".-"},
		{"one bad answer is none", "+-+-+", "+...."},
		{"well again after three", "--+++", ".-..+"},
		{"not in a row", "--++-+++", ".-.....+"},
		{"late but well", "-+", ".+"},
	} {
		o, got := opinion{healthy: 3, unhealthy: 2}, ""
		for _, a := range tt.answers {
			switch {
			case !o.count(a == '+'):
				got += "."
			case o.well:
				got += "+"
			default:
				got += "-"
			}
		}
		if got != tt.told {
			t.Errorf("%s: %s is told as %s, want %s", tt.name, tt.answers, got, tt.told)
		}
	}
}
