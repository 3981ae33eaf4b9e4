package doctor

import (
	"os"
	"testing"
)

func TestCheckSaysHowToGetWhatIsMissing(t *testing.T) {
	found := Check(t.Context(), t.TempDir())
	if len(found) < 10 {
		t.Fatalf("only %d findings", len(found))
	}
	for _, f := range found {
		if f.Name == "" || f.Text == "" || f.Level != OK && f.Remedy == "" {
			t.Errorf("%+v", f)
		}
	}
	if os.Getenv("CI") != "" && !Healthy(found) {
		t.Errorf("this machine is not fit for the tests: %+v", found)
	}
}

func TestVersions(t *testing.T) {
	for v, want := range map[string]bool{"1.36.12": true, "1.36.13": false, "1.45.11": false, "1.2.99": true} {
		got, ok := parseVersion(v)
		if !ok || less(got, firstV1) != want {
			t.Errorf("%s: %v %v", v, got, ok)
		}
	}
	if _, ok := parseVersion("2.x"); ok {
		t.Error("2.x is no version")
	}
}
