package stream

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"kumiko/internal/session/ssm/frame"
)

// pair joins an agent's and a client's stream by a wire that may lose and swap messages.
type pair struct {
	agent, client *Stream
	got           bytes.Buffer
	mu            sync.Mutex
}

func join(t *testing.T, wire func(deliver func([]byte), b []byte)) *pair {
	p := &pair{}
	deliver := func(to **Stream) func([]byte) error {
		return func(b []byte) error {
			wire(func(b []byte) {
				m, err := frame.Parse(b)
				if err != nil {
					t.Error(err)
					return
				}
				p.mu.Lock()
				defer p.mu.Unlock()
				if err := (*to).Take(m); err != nil {
					t.Error(err)
				}
			}, b)
			return nil
		}
	}
	p.agent = New(Config{Role: Agent, Send: deliver(&p.client), Receive: func(frame.Message) error { return nil }})
	p.client = New(Config{Role: Client, Send: deliver(&p.agent), Receive: func(m frame.Message) error { p.got.Write(m.Payload); return nil }})
	t.Cleanup(func() { p.agent.Close(); p.client.Close() })
	return p
}

func TestWhatIsLostIsSentAgain(t *testing.T) {
	var mu sync.Mutex
	over := false
	random := rand.New(rand.NewPCG(1, 2))
	queue := make(chan func(), 100_000) // never full: who fills it holds what the reader needs
	done := make(chan struct{})
	go func() {
		defer close(done)
		for f := range queue {
			f()
		}
	}()
	var held func()
	p := join(t, func(deliver func([]byte), b []byte) {
		mu.Lock()
		defer mu.Unlock()
		if over {
			return
		}
		switch n := random.IntN(20); {
		case n == 0: // lost
		case n < 4 && held == nil: // late
			held = func() { deliver(b) }
		default:
			queue <- func() { deliver(b) }
			if held != nil {
				queue <- held
				held = nil
			}
		}
	})
	want := make([]byte, 30_000)
	for i := range want {
		want[i] = byte(random.IntN(256))
	}
	if err := p.agent.Write(frame.Bytes, want); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.agent.Drained():
	case <-time.After(30 * time.Second):
		t.Fatal("it never arrived")
	}
	mu.Lock()
	over = true
	close(queue)
	mu.Unlock()
	<-done
	if !bytes.Equal(p.got.Bytes(), want) {
		t.Errorf("got %d bytes, and not the %d that were sent", p.got.Len(), len(want))
	}
}

func TestAStreamBeginsAsTheAgentsDoes(t *testing.T) {
	sent := make(chan frame.Message, 100)
	s := New(Config{Role: Agent, Send: func(b []byte) error {
		m, err := frame.Parse(b)
		sent <- m
		return err
	}})
	defer s.Close()
	if err := errors.Join(s.Write(frame.Bytes, []byte("a")), s.Write(frame.Bytes, []byte("b"))); err != nil {
		t.Fatal(err)
	}
	first, second := <-sent, <-sent
	if first.Sequence != 0 || first.Flags != frame.SYN || second.Sequence != 1 || second.Flags != 0 {
		t.Errorf("%+v, %+v", first, second)
	}
}

func TestAFloodOutOfOrderEndsTheStream(t *testing.T) {
	s := New(Config{Role: Agent, Send: func([]byte) error { return nil }, Receive: func(frame.Message) error { return nil }})
	defer s.Close()
	var err error
	for n := int64(1); n <= early+2 && err == nil; n++ {
		m := frame.New(frame.Input, frame.Bytes, []byte("x"), time.UnixMilli(1), frame.ID{})
		m.Sequence = n
		err = s.Take(m)
	}
	if !errors.Is(err, ErrFlood) {
		t.Error(err)
	}
}

func TestCloseFreesAWriter(t *testing.T) {
	s := New(Config{Role: Client, Send: func([]byte) error { return nil }})
	failed := make(chan error)
	go func() { failed <- s.Write(frame.Bytes, make([]byte, (window+1)*frame.MaxPayload)) }()
	s.Close()
	if err := <-failed; !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// A message that is acknowledged just before it would have been sent again does not keep the others from being sent.
func TestALateAcknowledgementHoldsNothingUp(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	clock := func() time.Time { return now }
	sent, release := make(chan frame.Message, 8), make(chan struct{})
	s := New(Config{Role: Client, Receive: func(frame.Message) error { return nil }, Now: clock, Send: func(b []byte) error {
		m, err := frame.Parse(b)
		if err != nil {
			t.Error(err)
		}
		sent <- m
		<-release
		return nil
	}})
	defer s.Close()
	for _, text := range []string{"first", "second"} {
		if err := s.Write(frame.Bytes, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	first := <-sent
	s.mu.Lock()
	now = now.Add(time.Minute) // the sender is held up: it is time to send again
	s.mu.Unlock()
	s.resend()
	if err := s.Take(frame.AckOf(first, now)); err != nil {
		t.Fatal(err)
	}
	close(release)
	select {
	case m := <-sent:
		if string(m.Payload) != "second" {
			t.Errorf("%q is sent next", m.Payload)
		}
	case <-time.After(10 * time.Second):
		t.Error("nothing more is sent")
	}
}
