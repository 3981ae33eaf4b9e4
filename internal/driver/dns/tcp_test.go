package dns

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	miekg "github.com/miekg/dns"
)

// dialTCP connects to a resolver.
func dialTCP(t *testing.T, at string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// framed is a message as TCP carries it.
func framed(t *testing.T, m *miekg.Msg) []byte {
	t.Helper()
	raw, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...)
}

// Queries that are sent without waiting are all answered, whatever is between them, and whatever pieces they come in. (RFC 7766 §6.2.1.1.)
func TestPipelining(t *testing.T) {
	_, at := serve(t, testVPC("vpc-1"))
	c := dialTCP(t, at)
	const n = 200
	names := []string{"db.example.internal.", "many.example.internal.", "none.example.internal.", "loop.example.internal."}
	go func() {
		var all []byte
		for i := range n {
			m := new(miekg.Msg).SetQuestion(names[i%len(names)], miekg.TypeA)
			m.Id = uint16(i)
			if i%10 == 3 {
				m.Question = append(m.Question, m.Question[0]) // malformed, and answered so
			}
			all = append(all, framed(t, m)...)
		}
		for len(all) > 0 {
			piece := min(len(all), 61)
			if _, err := c.Write(all[:piece]); err != nil {
				return
			}
			all = all[piece:]
		}
	}()
	conn := &miekg.Conn{Conn: c}
	for i := range n {
		m, err := conn.ReadMsg()
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		want := []int{miekg.RcodeSuccess, miekg.RcodeSuccess, miekg.RcodeNameError, miekg.RcodeServerFailure}[i%len(names)]
		if i%10 == 3 {
			want = miekg.RcodeFormatError
		}
		if int(m.Id) != i || m.Rcode != want {
			t.Errorf("answer %d is to %d and says %s", i, m.Id, miekg.RcodeToString[m.Rcode])
		}
	}
}

// What is no message ends the connection it came by, and nothing else.
func TestBrokenStreams(t *testing.T) {
	_, at := serve(t, testVPC("vpc-1"))
	beside := &miekg.Conn{Conn: dialTCP(t, at)}
	reply := framed(t, new(miekg.Msg).SetReply(new(miekg.Msg).SetQuestion("db.example.internal.", miekg.TypeA)))
	for name, raw := range map[string][]byte{
		"nothing": {0, 0}, "short": {0, 3, 1, 2, 3}, "an answer": reply, "half a length": {7}, "less than promised": {255, 255, 1, 2, 3, 4},
	} {
		c := dialTCP(t, at)
		_, err := c.Write(raw)
		if err == nil {
			err = c.CloseWrite()
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c)
		if len(got) != 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s is answered with % x, %v", name, got, err)
		}
		if m, _, err := new(miekg.Client).ExchangeWithConn(new(miekg.Msg).SetQuestion("db.example.internal.", miekg.TypeA), beside); err != nil || len(m.Answer) != 1 {
			t.Errorf("after %s another connection hears %v, %v", name, m, err)
		}
	}
}
