package api

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"kumiko/internal/driver/nft"
	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

var (
	steps = flag.Int("steps", 3000, "how many calls the random walk makes")
	seed  = flag.Uint64("seed", 0, "seed of the random walk; 0: by the clock")
)

// TestWalk calls operations in a random order, with whatever ids there were at some time, and never puts anything
// back. No call fails for reasons of our own, and the world stays sound.
func TestWalk(t *testing.T) {
	first := *seed
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	r := rand.New(rand.NewPCG(first, first))
	c := newCloud(t)
	w := &walk{site: c.populate(t, ann, "ann"), Rand: r, known: map[string][]string{}}
	w.learn(w.fill(strings.Join(everyName(w.site), " ")))
	ops, good := w.sortedOps(), 0
	for n := range *steps {
		op := ops[r.IntN(len(ops))]
		bases := w.bases(op)
		in := w.disturb(bases[r.IntN(len(bases))]).(object)
		a := w.call(op, in)
		if a.bad != nil || a.status >= 500 {
			t.Errorf("step %d: %s %s: %v %v", n, op, encode(in), a, a.bad)
		}
		if a.ok() {
			good++
			w.learn(a.body)
		}
		if r.IntN(3) == 0 {
			c.settle()
		}
		if n%100 == 0 || n == *steps-1 {
			sound(t, c.store.World())
			render(c.store.World())
		}
		if t.Failed() {
			t.Fatalf("walk of seed %d (run with -seed %d -steps %d), step %d: %s %s", first, first, *steps, n, op, encode(in))
		}
	}
	t.Logf("%d of %d calls succeeded", good, *steps)
	if good < *steps/20 {
		t.Errorf("only %d of %d calls succeeded", good, *steps)
	}
}

// render makes what the kernel would be given of a World. Whatever the API lets in must not make it panic.
func render(w world.World) {
	f := fabric.Compile(w)
	for _, v := range f.VPCs {
		_ = nft.RenderVPC(v)
	}
	for _, g := range f.Gateways {
		_ = nft.RenderGateway(g)
	}
}

// walk is a random walk over a site.
type walk struct {
	*site
	*rand.Rand
	known map[string][]string // ids seen, by prefix
}

func everyName(s *site) []string {
	var out []string
	for _, v := range s.ids() {
		out = append(out, v)
	}
	return out
}

// maxKnown is how many ids of a kind a walk remembers.
const maxKnown = 12

// learn remembers the ids in a text.
func (w *walk) learn(text string) {
	for _, id := range anyID.FindAllString(text, -1) {
		prefix := id[:len(id)-17]
		if have := w.known[prefix]; len(have) < maxKnown {
			w.known[prefix] = append(have, id)
		} else {
			have[w.IntN(len(have))] = id
		}
	}
}

// disturb is v with other ids, ranges and names at random.
func (w *walk) disturb(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for key, inner := range v {
			out[key] = w.disturb(inner)
		}
		return out
	case []any:
		out := []any{}
		for _, inner := range v {
			out = append(out, w.disturb(inner))
		}
		return out
	case string:
		v = anyID.ReplaceAllStringFunc(v, func(id string) string {
			if have := w.known[id[:len(id)-17]]; len(have) > 0 && w.IntN(3) > 0 {
				return have[w.IntN(len(have))]
			}
			return id
		})
		for _, name := range []string{"fresh", "imported"} {
			v = strings.ReplaceAll(v, name, name+string(rune('a'+w.IntN(6))))
		}
		if w.IntN(2) == 0 {
			v = strings.ReplaceAll(v, "10.0.9.0/24", "10.0."+string(rune('1'+w.IntN(9)))+".0/2"+string(rune('4'+w.IntN(5))))
		}
		return v
	}
	return v
}
