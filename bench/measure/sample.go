package measure

import (
	"fmt"
	"slices"
	"time"
)

// Sample is the values of one thing, one a round.
type Sample []float64

// Median is the middle value; of an even number the upper of both.
func (s Sample) Median() float64 { return s.Quantile(0.5) }

// Quantile is the value below which the part q of the values lies. Of no values it is 0.
func (s Sample) Quantile(q float64) float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// Over are the ratios of the values of the same rounds.
func (s Sample) Over(peer Sample) Sample {
	var out Sample
	for i := range min(len(s), len(peer)) {
		if peer[i] != 0 {
			out = append(out, s[i]/peer[i])
		}
	}
	return out
}

// Milliseconds adds a duration.
func (s *Sample) Milliseconds(d time.Duration) { *s = append(*s, float64(d)/float64(time.Millisecond)) }

// Take measures each side once a round, in turns, every other round the other way round. A side gives one value for each of its
// samples: sides[i] fills out[i].
func Take(rounds int, sides ...func() (float64, error)) ([]Sample, error) {
	out := make([]Sample, len(sides))
	for r := range rounds {
		for i := range sides {
			if r%2 == 1 {
				i = len(sides) - 1 - i
			}
			v, err := sides[i]()
			if err != nil {
				return nil, fmt.Errorf("measure: side %d, round %d: %w", i+1, r+1, err)
			}
			out[i] = append(out[i], v)
		}
	}
	return out, nil
}
