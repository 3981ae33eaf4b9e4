package sigv4

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestSuite verifies requests of AWS's Signature Version 4 test suite.
func TestSuite(t *testing.T) {
	const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	for _, tt := range []struct{ name, method, url, headers, signature string }{
		{"get-vanilla", "GET", "/", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", "", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"post-vanilla", "POST", "/", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{"normalize-path/get-slashes", "GET", "//example//", "", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
		{"get-header-value-trim", "GET", "/", "My-Header1: value1\nMy-Header2: \"a   b   c\"", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, tt.url, nil)
			r.Host = "example.amazonaws.com"
			r.Header.Set("X-Amz-Date", "20150830T123600Z")
			names := "host"
			for line := range strings.SplitSeq(tt.headers, "\n") {
				if name, value, ok := strings.Cut(line, ":"); ok {
					r.Header.Set(name, value)
					names += ";" + strings.ToLower(name)
				}
			}
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders="+
				names+";x-amz-date, Signature="+tt.signature)
			c, e := Parse(r)
			if e != nil {
				t.Fatal(e)
			}
			if e := c.Verify(r, nil, SigningKey(secret, c.Date, c.Region, c.Service)); e != nil {
				t.Errorf("refused: %v", e)
			}
		})
	}
}

func TestFresh(t *testing.T) {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name    string
		expires time.Duration
		now     time.Duration // after the request's time
		want    string
	}{
		{"now", 0, 0, ""},
		{"slow clock", 0, 5 * time.Minute, ""},
		{"fast clock", 0, -5 * time.Minute, ""},
		{"old", 0, 6 * time.Minute, "Signature expired: 20260101T120000Z is now earlier than 20260101T120100Z (20260101T120600Z - 5 min.)"},
		{"early", 0, -6 * time.Minute, "Signature not yet current: 20260101T120000Z is still later than 20260101T115900Z (20260101T115400Z + 5 min.)"},
		{"presigned", time.Hour, 59 * time.Minute, ""},
		{"presigned, over", time.Hour, 61 * time.Minute, "Signature expired: 20260101T120000Z is now earlier than 20260101T120100Z (20260101T130100Z - 60 min.)"},
	} {
		c := &Claim{Time: at, Expires: tt.expires}
		got := ""
		if e := c.Fresh(at.Add(tt.now)); e != nil {
			got = e.Text
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
