package door

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Files of an authority in its folder.
const (
	keyFile  = "authority.key"
	certFile = "authority.crt"
)

// How long certificates hold, and from when: clocks differ.
const (
	authorityLife = 10 * 365 * 24 * time.Hour
	nameLife      = 365 * 24 * time.Hour
	clockSkew     = 24 * time.Hour
)

// Authority makes certificates for names. Its methods may be called from any goroutine.
type Authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  []byte

	mu    sync.Mutex
	names map[string]*tls.Certificate
}

// OpenAuthority reads the authority kept in a folder, or makes it. Only the owner of the folder can read the key.
func OpenAuthority(folder string) (*Authority, error) {
	key, err := readPEM(filepath.Join(folder, keyFile))
	if errors.Is(err, fs.ErrNotExist) {
		err = found(folder)
		if err == nil {
			key, err = readPEM(filepath.Join(folder, keyFile))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("door: authority: %w", err)
	}
	raw, err := os.ReadFile(filepath.Join(folder, certFile))
	if err != nil {
		return nil, fmt.Errorf("door: authority: %w", err)
	}
	a := &Authority{pem: raw, names: map[string]*tls.Certificate{}}
	if a.key, err = x509.ParseECPrivateKey(key); err != nil {
		return nil, fmt.Errorf("door: authority: key: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("door: authority: %s holds no certificate", certFile)
	}
	if a.cert, err = x509.ParseCertificate(block.Bytes); err != nil {
		return nil, fmt.Errorf("door: authority: certificate: %w", err)
	}
	return a, nil
}

// PEM is the authority's certificate, for those who are to trust it.
func (a *Authority) PEM() []byte { return a.pem }

func readPEM(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("%s holds no key", filepath.Base(path))
	}
	return block.Bytes, nil
}

// found makes the authority. The key is written last: without it everything is made anew.
func found(folder string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "kumiko authority of a state folder", Organization: []string{"kumiko"}},
		NotBefore: now.Add(-clockSkew), NotAfter: now.Add(authorityLife), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name, kind string
		body       []byte
	}{{certFile, "CERTIFICATE", der}, {keyFile, "EC PRIVATE KEY", secret}} {
		path := filepath.Join(folder, f.name)
		if err := os.WriteFile(path+".new", pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.body}), 0o600); err != nil {
			return err
		}
		if err := os.Rename(path+".new", path); err != nil {
			return err
		}
	}
	return nil
}

func serial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}

// maxNames bounds how many certificates are kept.
const maxNames = 1024

// errName is the error of a name no certificate is made for.
var errName = errors.New("door: no such name")

var hostName = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{1,63}$`)

// Certificate is a certificate for a name.
func (a *Authority) Certificate(name string) (*tls.Certificate, error) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if len(name) > 253 || !hostName.MatchString(name) {
		return nil, errName
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.names[name]; c != nil && time.Now().Before(c.Leaf.NotAfter.Add(-clockSkew)) {
		return c, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: serial(), DNSNames: []string{name}, NotBefore: now.Add(-clockSkew), NotAfter: now.Add(nameLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		Subject: pkix.Name{Organization: []string{"kumiko"}},
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("door: certificate for %s: %w", name, err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("door: certificate for %s: %w", name, err)
	}
	if len(a.names) >= maxNames {
		clear(a.names)
	}
	c := &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}
	a.names[name] = c
	return c, nil
}
