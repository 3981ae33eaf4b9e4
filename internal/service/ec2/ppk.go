package ec2

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha1" // #nosec: what the file format prescribes
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// ppk is the private key in PuTTY's form, version 2, not encrypted. (PuTTY User Manual, appendix C, "PPK file format".)
func (k newKey) ppk(name string) (string, error) {
	var private []byte
	switch key := k.private.(type) {
	case *rsa.PrivateKey:
		type numbers struct{ D, P, Q, IQMP []byte }
		private = ssh.Marshal(numbers{
			mpint(key.D.Bytes()), mpint(key.Primes[0].Bytes()), mpint(key.Primes[1].Bytes()), mpint(key.Precomputed.Qinv.Bytes()),
		})
	case ed25519.PrivateKey:
		private = ssh.Marshal(struct{ Seed []byte }{key.Seed()})
	default:
		return "", fmt.Errorf("ec2: write key: no PuTTY form for %T", k.private)
	}
	kind, public := k.public.Type(), k.public.Marshal()
	macKey := sha1.Sum([]byte("putty-private-key-file-mac-key")) // #nosec
	mac := hmac.New(sha1.New, macKey[:])
	var signed bytes.Buffer
	for _, part := range [][]byte{[]byte(kind), []byte("none"), []byte(name), public, private} {
		signed.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		signed.Write(part)
	}
	mac.Write(signed.Bytes())
	var b strings.Builder
	fmt.Fprintf(&b, "PuTTY-User-Key-File-2: %s\r\nEncryption: none\r\nComment: %s\r\n", kind, name)
	ppkLines(&b, "Public-Lines", public)
	ppkLines(&b, "Private-Lines", private)
	fmt.Fprintf(&b, "Private-MAC: %s\r\n", hex.EncodeToString(mac.Sum(nil)))
	return b.String(), nil
}

// mpint is a positive number in SSH's form, without its length. (RFC 4251, section 5.)
func mpint(b []byte) []byte {
	if len(b) > 0 && b[0] >= 0x80 {
		return append([]byte{0}, b...)
	}
	return b
}

func ppkLines(b *strings.Builder, title string, data []byte) {
	s := base64.StdEncoding.EncodeToString(data)
	fmt.Fprintf(b, "%s: %d\r\n", title, (len(s)+63)/64)
	for len(s) > 0 {
		n := min(64, len(s))
		b.WriteString(s[:n] + "\r\n")
		s = s[n:]
	}
}
