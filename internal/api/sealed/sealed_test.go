package sealed

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"

	"kumiko/internal/world"
)

// changed is a text with another letter in its middle.
func changed(s string) string {
	n := len(s) / 2
	if s[n] == 'A' {
		return s[:n] + "B" + s[n+1:]
	}
	return s[:n] + "A" + s[n+1:]
}

func TestIssueAndRedeem(t *testing.T) {
	box, err := New(bytes.Repeat([]byte{1}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	other, err := New(bytes.Repeat([]byte{2}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	c := world.Caller{Account: "000000000000", ARN: "arn:aws:sts::000000000000:assumed-role/r/s", UserID: "AROAX:s",
		Session: &world.Session{Expires: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Tags: []world.Tag{{Key: "a", Value: "b"}}}}
	v, err := box.Issue(rand.Reader, c)
	if err != nil {
		t.Fatal(err)
	}
	got, secret, ok := box.Redeem(v.Key, v.Token)
	if !ok || secret != v.Secret || got.ARN != c.ARN || got.Session.Tags[0].Value != "b" || !got.Session.Expires.Equal(v.Expires) {
		t.Errorf("%+v %v", got, ok)
	}
	if len(v.Key) != 20 || len(v.Secret) != 40 {
		t.Errorf("%s %d", v.Key, len(v.Secret))
	}
	for name, redeem := range map[string]func() bool{
		"another key id":  func() bool { _, _, ok := box.Redeem("ASIAOTHEROTHEROTHER0", v.Token); return ok },
		"another daemon":  func() bool { _, _, ok := other.Redeem(v.Key, v.Token); return ok },
		"a changed token": func() bool { _, _, ok := box.Redeem(v.Key, changed(v.Token)); return ok },
		"no token":        func() bool { _, _, ok := box.Redeem(v.Key, ""); return ok },
	} {
		if redeem() {
			t.Errorf("%s is accepted", name)
		}
	}
	text, err := box.Seal(rand.Reader, "message", map[string]string{"a": "b"})
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]string
	if box.Open(tokenPurpose, text, &m) || !box.Open("message", text, &m) || m["a"] != "b" {
		t.Error("a purpose does not count")
	}
}
