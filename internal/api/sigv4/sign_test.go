package sigv4

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestWhatIsSignedIsAccepted(t *testing.T) {
	body := `{"A":1}`
	by := Credential{ID: "AKIDEXAMPLE", Secret: "secret", Token: "token/+="}
	now := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, url := range []string{"https://ssm.us-east-1.amazonaws.com/", "https://h:4566/v1/control-channel/i-1?role=subscribe&stream=input", "http://h/a%20b?c=d%2Fe"} {
		r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", "AmazonSSM.GetParameter")
		by.Sign(r, []byte(body), Scope{"us-east-1", "ssm"}, now)
		claim, e := Parse(r)
		if e != nil {
			t.Fatal(e)
		}
		key := SigningKey(by.Secret, claim.Date, claim.Region, claim.Service)
		if e := claim.Verify(r, []byte(body), key); e != nil || claim.Token != by.Token {
			t.Errorf("%s: %v, token %q", url, e, claim.Token)
		}
		if e := claim.Verify(r, []byte("{}"), key); e == nil {
			t.Errorf("%s: another body is accepted", url)
		}
	}
}
