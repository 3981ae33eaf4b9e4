package ec2

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kumiko/internal/api/ec2api"
)

// Keys are what ssh-keygen and puttygen take them for, and imported again they are the same keys.
func TestKeyPairs(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	for _, kind := range []string{"rsa", "ed25519"} {
		for format, tool := range map[string][]string{"pem": {"ssh-keygen", "-y", "-f"}, "ppk": {"puttygen", "-O", "public-openssh"}} {
			name := kind + "-" + format
			out := must(b.CreateKeyPair(ctx, b.c, &ec2api.CreateKeyPairInput{KeyName: &name, KeyType: &kind, KeyFormat: &format}))
			info := must(b.DescribeKeyPairs(ctx, b.c, &ec2api.DescribeKeyPairsInput{KeyNames: []string{name}, IncludePublicKey: new(true)})).KeyPairs[0]
			if got := publicOf(t, *out.KeyMaterial, tool); got != "" && got != strings.Join(strings.Fields(*info.PublicKey)[:2], " ") {
				t.Errorf("%s: %s reads %s, want %s", name, tool[0], got, *info.PublicKey)
			}
			again := must(b.ImportKeyPair(ctx, b.c, &ec2api.ImportKeyPairInput{KeyName: new(name + "-2"), PublicKeyMaterial: []byte(*info.PublicKey)}))
			if same := *again.KeyFingerprint == *out.KeyFingerprint; same != (kind == "ed25519") {
				t.Errorf("%s: fingerprints are %s and %s", name, *out.KeyFingerprint, *again.KeyFingerprint)
			}
			if n := len(strings.Split(*again.KeyFingerprint, ":")); kind == "rsa" && n != 16 {
				t.Errorf("an imported key's fingerprint has %d bytes", n)
			}
		}
	}
	_, err := b.CreateKeyPair(ctx, b.c, &ec2api.CreateKeyPairInput{KeyName: new("rsa-pem")})
	b.refused(err, "InvalidKeyPair.Duplicate", "")
	_, err = b.ImportKeyPair(ctx, b.c, &ec2api.ImportKeyPairInput{KeyName: new("x"), PublicKeyMaterial: []byte("x")})
	b.refused(err, "InvalidKey.Format", "Key is not in valid OpenSSH public key format")
	for range 2 {
		must(b.DeleteKeyPair(ctx, b.c, &ec2api.DeleteKeyPairInput{KeyName: new("rsa-pem")}))
	}
}

// publicOf is the public key that a client reads from a private one; empty when the client is not installed.
func publicOf(t *testing.T, private string, tool []string) string {
	if _, err := exec.LookPath(tool[0]); err != nil {
		t.Logf("%s is not installed: it does not judge the keys", tool[0])
		return ""
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(private), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), tool[0], append(tool[1:], file)...).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", tool[0], err, out)
	}
	return strings.Join(strings.Fields(string(out))[:2], " ")
}
