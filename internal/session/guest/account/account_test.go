package account

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestCrypt uses the test vectors of Drepper's description.
func TestCrypt(t *testing.T) {
	for _, v := range []struct{ password, hash string }{
		{"Hello world!", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
		{"Hello world!", "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v."},
		{"a short string", "$6$rounds=123456$asaltof16chars..$BtCwjqMJGx5hrJhZywWvt0RLE8uZ4oPwcelCjmw2kSYu.Ec6ycULevoBK25fs2xXgMNrCzIMVcgEJAstJeonj1"},
	} {
		if !(Password{Hash: v.hash}).Matches(v.password) {
			s, ok := saltOf(v.hash)
			t.Errorf("crypt(%q) = %s, want %s (salt %v)", v.password, crypt(v.password, s), v.hash, ok)
		}
		if (Password{Hash: v.hash}).Matches(v.password + "x") {
			t.Errorf("%s matches another password", v.hash)
		}
	}
	for _, h := range []string{"", "*", "!", "!!", "$6$", "$y$j9T$x$y"} {
		if (Password{Hash: h}).Matches("") || (Password{Hash: h}).Matches("x") {
			t.Errorf("%q matches", h)
		}
	}
	if !(Password{Hash: Hash("PassW0rd!")}).Matches("PassW0rd!") {
		t.Error("a fresh hash does not match")
	}
}

func TestUsers(t *testing.T) {
	d := Database{t.TempDir()}
	for name, text := range map[string]string{
		"passwd": "root:x:0:0:root:/root:/bin/bash\n",
		"group":  "root:x:0:\nadm:x:4:\n",
		"shadow": "root:*:19700:0:99999:7:::\n",
	} {
		if err := os.WriteFile(filepath.Join(d.Folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	u, err := d.Add(User{Name: "ec2-user", Home: "/home/ec2-user", Shell: "/bin/bash", Groups: []string{"adm", "wheel"}})
	if err != nil || u.UID != 1000 {
		t.Fatalf("Add = %+v, %v", u, err)
	}
	if v, err := d.Add(User{Name: "alice", Home: "/home/alice", Shell: "/bin/sh"}); err != nil || v.UID != 1001 {
		t.Fatalf("Add = %+v, %v", v, err)
	}
	got, err := d.LookupUID(1000)
	if err != nil || got.Name != "ec2-user" || !slices.Equal(got.Groups, []string{"adm", "wheel"}) {
		t.Fatalf("LookupUID = %+v, %v", got, err)
	}
	if ids, err := d.GroupIDs(got); err != nil || !slices.Equal(ids, []uint32{1000, 4, 500}) {
		t.Fatalf("GroupIDs = %v, %v", ids, err)
	}
	if err := d.SetPassword("ec2-user", Hash("x"), 0); err != nil {
		t.Fatal(err)
	}
	if p, err := d.Password("ec2-user"); err != nil || !p.Expired || !p.Matches("x") {
		t.Fatalf("Password = %+v, %v", p, err)
	}
}
