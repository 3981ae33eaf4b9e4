package cloudinit

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
)

// maxSize bounds unpacked user data, in bytes; packed it has at most 16 KiB. (EC2 User Guide, "User data".)
const maxSize = 4 << 20

// Data is user data taken apart.
type Data struct {
	Config   Config
	Scripts  [][]byte // run once, late
	Hooks    [][]byte // run at every boot
	Warnings []string
}

// Parse takes user data apart. What could be read is returned beside an error.
func Parse(raw []byte) (Data, error) {
	var d Data
	err := d.add(raw)
	return d, err
}

func (d *Data) warn(format string, args ...any) {
	d.Warnings = append(d.Warnings, fmt.Sprintf(format, args...))
}

func (d *Data) add(raw []byte) error {
	if bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
		var err error
		if raw, err = unzip(raw); err != nil {
			return err
		}
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	first = strings.TrimRight(first, "\r ")
	lower := strings.ToLower(first)
	switch {
	case len(bytes.TrimSpace(raw)) == 0:
		return nil
	case strings.HasPrefix(lower, "content-type:"), strings.HasPrefix(lower, "mime-version:"):
		return d.addMIME(raw)
	case strings.HasPrefix(lower, "#cloud-config"):
		unknown, err := d.Config.parse(raw)
		for _, k := range unknown {
			d.warn("#cloud-config key %q is not carried out", k)
		}
		return err
	case strings.HasPrefix(lower, "#cloud-boothook"):
		d.Hooks = append(d.Hooks, bytes.Replace(raw, []byte(first+"\n"), nil, 1))
	case strings.HasPrefix(first, "#!"):
		d.Scripts = append(d.Scripts, raw)
	default:
		d.warn("user data of an unknown kind is ignored: it begins %.40q", first)
	}
	return nil
}

// addMIME adds the parts of a multipart document.
func (d *Data) addMIME(raw []byte) error {
	m, err := mail.ReadMessage(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		return fmt.Errorf("cloudinit: read MIME: %w", err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("cloudinit: read MIME: %w", err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		body, err := decode(m.Body, m.Header.Get("Content-Transfer-Encoding"))
		if err != nil {
			return err
		}
		return d.add(body)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := parts.NextPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("cloudinit: read MIME: %w", err)
		}
		body, err := decode(p, p.Header.Get("Content-Transfer-Encoding"))
		if err != nil {
			return err
		}
		if err := d.add(body); err != nil {
			return err
		}
	}
}

func decode(r io.Reader, encoding string) ([]byte, error) {
	if strings.EqualFold(encoding, "base64") {
		r = base64.NewDecoder(base64.StdEncoding, r)
	}
	b, err := io.ReadAll(io.LimitReader(r, maxSize))
	if err != nil {
		return nil, fmt.Errorf("cloudinit: read part: %w", err)
	}
	return b, nil
}

func unzip(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("cloudinit: unpack: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(z, maxSize))
	if err != nil {
		return nil, fmt.Errorf("cloudinit: unpack: %w", err)
	}
	return b, nil
}
