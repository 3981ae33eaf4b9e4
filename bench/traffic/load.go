package traffic

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"kumiko/internal/kernel"
)

// The sizes of the load, in bytes: a write of a stream, and request and response of a short connection.
const (
	block   = 128 << 10
	message = 64
)

// spare is how many threads may run besides those of the load; with enough of them idle, a thread that blocks keeps its
// turn and the scheduler stays out of the way.
const spare = 8

// widen lets n threads run at once until the function it gives is called.
func widen(n int) func() {
	old := runtime.GOMAXPROCS(n + spare)
	return func() { runtime.GOMAXPROCS(old) }
}

// clients runs f in n threads in the path's client namespace.
func (p Path) clients(n int, f func() error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = kernel.In(p.From, f) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Throughput is how many bits a second a number of streams carry together.
func (p Path) Throughput(streams int, d time.Duration) (float64, error) {
	defer widen(2 * streams)()
	var got atomic.Int64
	var until atomic.Int64 // what is received later does not count
	s, err := p.serve(streams, func(fd int) {
		b := make([]byte, block)
		for {
			n, err := unix.Read(fd, b)
			if n <= 0 && err != unix.EINTR {
				return
			}
			if time.Now().UnixNano() < until.Load() {
				got.Add(int64(n))
			}
		}
	})
	if err != nil {
		return 0, err
	}
	defer s.stop()
	begun := time.Now()
	until.Store(begun.Add(d).UnixNano())
	err = p.clients(streams, func() error {
		fd, err := dial(p.Dst)
		if err != nil {
			return err
		}
		defer reset(fd)
		b := make([]byte, block)
		for time.Since(begun) < d {
			if _, err := unix.Write(fd, b); err != nil && err != unix.EINTR {
				return fmt.Errorf("traffic: stream: %w", err)
			}
		}
		return nil
	})
	return float64(got.Load()*8) / d.Seconds(), err
}

// Connections is how many connections a second a number of clients make, each with a request and a response of 64
// bytes, closed by RST.
func (p Path) Connections(clients int, d time.Duration) (float64, error) {
	defer widen(2 * clients)()
	s, err := p.serve(clients, func(fd int) {
		var b [message]byte
		if full(fd, b[:]) == nil {
			if send(fd, b[:]) == nil {
				_ = full(fd, b[:1]) // until the reset
			}
		}
	})
	if err != nil {
		return 0, err
	}
	defer s.stop()
	var made atomic.Int64
	begun := time.Now()
	err = p.clients(clients, func() error {
		for time.Since(begun) < d {
			if err := p.once(); err != nil {
				return err
			}
			made.Add(1)
		}
		return nil
	})
	return float64(made.Load()) / time.Since(begun).Seconds(), err
}

// once makes one short connection.
func (p Path) once() error {
	fd, err := dial(p.Dst)
	if err != nil {
		return err
	}
	defer reset(fd)
	var b [message]byte
	if err := send(fd, b[:]); err != nil {
		return fmt.Errorf("traffic: request: %w", err)
	}
	if err := full(fd, b[:]); err != nil {
		return fmt.Errorf("traffic: response: %w", err)
	}
	return nil
}

// PingPong is the median time of a round trip of one byte each way on one connection.
func (p Path) PingPong(d time.Duration) (time.Duration, error) {
	defer widen(2)()
	s, err := p.serve(1, func(fd int) {
		var b [1]byte
		for full(fd, b[:]) == nil {
			if send(fd, b[:]) != nil {
				return
			}
		}
	})
	if err != nil {
		return 0, err
	}
	defer s.stop()
	var took []time.Duration
	err = p.clients(1, func() error {
		fd, err := dial(p.Dst)
		if err != nil {
			return err
		}
		defer reset(fd)
		var b [1]byte
		for begun := time.Now(); time.Since(begun) < d; {
			t := time.Now()
			if err := send(fd, b[:]); err != nil {
				return fmt.Errorf("traffic: ping: %w", err)
			}
			if err := full(fd, b[:]); err != nil {
				return fmt.Errorf("traffic: pong: %w", err)
			}
			took = append(took, time.Since(t))
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
