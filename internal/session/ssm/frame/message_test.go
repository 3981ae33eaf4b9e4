package frame

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// golden is a message of output whose bytes were laid out field by field.
func golden(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/output.hex")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for l := range strings.Lines(string(text)) {
		digits, _, _ := strings.Cut(l, "#")
		all.WriteString(strings.Join(strings.Fields(digits), ""))
	}
	b, err := hex.DecodeString(all.String())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func goldenMessage() Message {
	return Message{
		Type: Output, Schema: 1, Created: time.UnixMilli(1700000000123).UTC(), Sequence: 7, Flags: SYN,
		ID:      ID{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x46, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff},
		Payload: []byte("$ "), Kind: Bytes,
	}
}

func TestMessageHasTheLayoutOfTheAgent(t *testing.T) {
	want := golden(t)
	if got := goldenMessage().Append(nil); !bytes.Equal(got, want) {
		t.Errorf("-got +want\n%s", cmp.Diff(hex.Dump(got), hex.Dump(want)))
	}
	got, err := Parse(want)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(got, goldenMessage()); d != "" {
		t.Errorf("-got +want\n%s", d)
	}
}

func TestParseRefuses(t *testing.T) {
	whole := golden(t)
	change := func(at int, to ...byte) []byte { b := bytes.Clone(whole); copy(b[at:], to); return b }
	for name, c := range map[string]struct {
		in   []byte
		want error
	}{
		"nothing":                       {nil, ErrShort},
		"a header without length":       {whole[:119], ErrShort},
		"a header beyond the end":       {change(0, 0xff, 0xff, 0xff, 0xff), ErrHeader},
		"a header that is too short":    {change(0, 0, 0, 0, 8), ErrHeader},
		"no type":                       {change(4, bytes.Repeat([]byte{' '}, 32)...), ErrHeader},
		"no date":                       {change(40, make([]byte, 8)...), ErrHeader},
		"a payload of another":          {change(120, '#'), ErrDigest},
		"a payload without its end":     {whole[:121], ErrDigest},
		"a payload with more behind it": {append(bytes.Clone(whole), 0), ErrDigest},
	} {
		if _, err := Parse(c.in); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestTypesMayBePaddedWithZeros(t *testing.T) {
	b := golden(t)
	copy(b[4+len(Output):36], make([]byte, 32))
	if m, err := Parse(b); err != nil || m.Type != Output {
		t.Errorf("%q, %v", m.Type, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(goldenMessage().Append(nil))
	f.Add(AckOf(goldenMessage(), time.UnixMilli(1)).Append(nil))
	f.Add(CloseOf("s", "i", "why", time.UnixMilli(1)).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Parse(m.Append(nil))
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if len(m.Payload) == 0 {
			again.Payload, m.Payload = nil, nil
		}
		if d := cmp.Diff(again, m); d != "" {
			t.Errorf("-again +first\n%s", d)
		}
	})
}
