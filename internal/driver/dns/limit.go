package dns

import (
	"net/netip"
	"sync"
	"time"
)

// maxSources bounds how many sources a limiter remembers; beyond, it starts afresh.
const maxSources = 16384

// limiter is a token bucket for each source address. The router lets a port send from its own addresses only, so
// an address stands for its ENI. A nil limiter allows everything.
type limiter struct {
	rate float64 // tokens a second, and the size of a bucket

	mu      sync.Mutex
	buckets map[netip.Addr]bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimiter(rate int) *limiter {
	if rate <= 0 {
		return nil
	}
	return &limiter{rate: float64(rate), buckets: map[netip.Addr]bucket{}}
}

// allow takes a token of the source, if it has one left.
func (l *limiter) allow(from netip.Addr) bool {
	if l == nil {
		return true
	}
	return l.allowAt(from, time.Now())
}

func (l *limiter) allowAt(from netip.Addr, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[from]
	if !known {
		if len(l.buckets) >= maxSources {
			clear(l.buckets)
		}
		b = bucket{tokens: l.rate, at: now}
	}
	b.tokens = min(l.rate, b.tokens+now.Sub(b.at).Seconds()*l.rate)
	b.at = now
	ok := b.tokens >= 1
	if ok {
		b.tokens--
	}
	l.buckets[from] = b
	return ok
}
