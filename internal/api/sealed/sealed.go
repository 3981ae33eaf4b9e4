package sealed

import (
	"bytes"
	"compress/flate"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
)

// KeySize is the size of a Box's key in bytes.
const KeySize = 32

// Box seals values and opens what it sealed. It is safe for concurrent use.
type Box struct{ aead cipher.AEAD }

// New makes a Box with a key of KeySize random bytes.
func New(key []byte) (*Box, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("sealed: the key has %d bytes, not %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("sealed: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("sealed: %w", err)
	}
	return &Box{aead}, nil
}

// Seal makes a text of a value for a purpose, which Open must name again.
func (b *Box) Seal(random io.Reader, purpose string, v any) (string, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("sealed: %w", err)
	}
	if raw, err = pack(raw); err != nil {
		return "", fmt.Errorf("sealed: %w", err)
	}
	nonce := make([]byte, b.aead.NonceSize(), b.aead.NonceSize()+len(raw)+b.aead.Overhead())
	if _, err := io.ReadFull(random, nonce); err != nil {
		return "", fmt.Errorf("sealed: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b.aead.Seal(nonce, nonce, raw, []byte(purpose))), nil
}

// Open reads a sealed value into v. It tells whether the text was sealed by this Box for this purpose.
func (b *Box) Open(purpose, text string, v any) bool {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	n := b.aead.NonceSize()
	if err != nil || len(raw) < n {
		return false
	}
	plain, err := b.aead.Open(nil, raw[:n], raw[n:], []byte(purpose))
	if err != nil {
		return false
	}
	return json.NewDecoder(flate.NewReader(bytes.NewReader(plain))).Decode(v) == nil
}

// pack makes texts that are sent with each request shorter.
func pack(raw []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
