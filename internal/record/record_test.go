package record

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func open(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	l, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// put adds messages, a millisecond apart, to a place such as group/stream.
func put(t testing.TB, l *Store, place string, at int64, messages ...string) {
	t.Helper()
	group, stream, _ := strings.Cut(place, "/")
	var events []Event
	for i, m := range messages {
		events = append(events, Event{Time: at + int64(i), Message: m})
	}
	if err := l.Append(group, stream, events); err != nil {
		t.Fatal(err)
	}
}

func texts(events []Event, err error) string {
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, e := range events {
		out = append(out, e.Message)
	}
	return strings.Join(out, " ")
}

func all(string) bool { return true }

func filtered(l *Store, group string, q Query) string {
	events, _, err := l.Filter(group, nil, q, all)
	return texts(events, err)
}

func TestReadInOrderOfTimeForwardAndBackward(t *testing.T) {
	l := open(t, t.TempDir(), Options{})
	put(t, l, "g/s", 100, "c", "d")
	put(t, l, "g/s", 50, "a", "b") // late events find their place
	put(t, l, "g/other", 75, "x")
	for _, c := range []struct {
		q    Query
		want string
	}{
		{Query{}, "a b c d"},
		{Query{Limit: 3}, "a b c"},
		{Query{Limit: 3, Backward: true}, "b c d"},
		{Query{From: 51, To: 101}, "b c"},
		{Query{Bytes: 2 * (PerEvent + 1)}, "a b"},
		{Query{Bytes: 1, Backward: true}, "d"},
	} {
		if got := texts(l.Read("g", "s", c.q)); got != c.want {
			t.Errorf("%+v: %s, want %s", c.q, got, c.want)
		}
	}
	if got := filtered(l, "g", Query{}); got != "a b x c d" {
		t.Error(got)
	}
	page, _ := l.Read("g", "s", Query{Limit: 2})
	if got := texts(l.Read("g", "s", Query{Start: page[1].At.After()})); got != "c d" {
		t.Error(got)
	}
	if p, err := ParsePosition(page[1].At.String()); err != nil || p != page[1].At || len(p.String()) != 56 {
		t.Error(p, err)
	}
	events, next, _ := l.Filter("g", nil, Query{Limit: 2}, func(m string) bool { return m != "b" })
	if texts(events, nil) != "a x" || next == nil {
		t.Fatal(events, next)
	}
	events, next, _ = l.Filter("g", nil, Query{Limit: 2, Start: *next}, all)
	if texts(events, nil) != "c d" || next != nil {
		t.Fatal(events, next)
	}
}

func TestReopenKeepsAndTornTailIsCut(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, Options{SegmentBytes: 250})
	for i := range 20 {
		put(t, l, "g/s", int64(i), fmt.Sprint("m", i))
	}
	put(t, l, "g/gone", 1, "old")
	if err := l.DropStream("g", "gone"); err != nil {
		t.Fatal(err)
	}
	put(t, l, "g/gone", 30, "new")
	want := filtered(l, "g", Query{})
	l.Close()
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*.seg"))
	if len(files) < 3 {
		t.Fatalf("%d segments", len(files))
	}
	f, err := os.OpenFile(files[len(files)-1], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.Write([]byte{0, 0, 0, 90, 1, 2, 3, 4, '{'})
	f.Close()
	l = open(t, dir, Options{SegmentBytes: 250})
	if l.Lost() != 9 || filtered(l, "g", Query{}) != want || !strings.HasSuffix(want, "m19 new") {
		t.Fatalf("lost %d bytes, has %s", l.Lost(), filtered(l, "g", Query{}))
	}
	put(t, l, "g/s", 99, "after")
	l.Close()
	if l = open(t, dir, Options{}); filtered(l, "g", Query{}) != want+" after" || l.Lost() != 0 {
		t.Fatal(filtered(l, "g", Query{}))
	}
}

// TestKill9 kills a process that appends and finds every event it had been told of.
func TestKill9(t *testing.T) {
	if dir := os.Getenv("RECORD_TEST_DIR"); dir != "" {
		l := open(t, dir, Options{SegmentBytes: 4096})
		for i := 0; ; i++ {
			put(t, l, "g/s", int64(i), fmt.Sprint("m", i))
			fmt.Println("wrote", i)
		}
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill9$")
	cmd.Env = append(os.Environ(), "RECORD_TEST_DIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n, last := 0, -1
	for n = 0; n < 500; n++ {
		if _, err := fmt.Fscanf(out, "wrote %d\n", &last); err != nil {
			t.Fatal(err)
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	l := open(t, dir, Options{})
	events, err := l.Read("g", "s", Query{})
	if err != nil || len(events) <= last {
		t.Fatalf("%d events, %d were acknowledged: %v", len(events), last+1, err)
	}
	for i, e := range events {
		if e.Message != fmt.Sprint("m", i) {
			t.Fatalf("event %d is %q", i, e.Message)
		}
	}
}

func TestRetentionSizeLimitAndDrop(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	dir := t.TempDir()
	l := open(t, dir, Options{SegmentBytes: 80, MaxBytes: 2000, Now: func() time.Time { return now }})
	for i := range 8 {
		put(t, l, "g/s", now.UnixMilli()+int64(i)*1000, fmt.Sprint("m", i))
	}
	l.Retain("g", 5*time.Second)
	now = now.Add(9 * time.Second)
	if got := filtered(l, "g", Query{}); got != "m4 m5 m6 m7" {
		t.Fatal(got)
	}
	if st := l.Stats("g", "s"); st.Events != 4 || st.First != 1_004_000 || st.Last != 1_007_000 {
		t.Fatalf("%+v", st)
	}
	before := l.total
	if l.Sweep(); l.total >= before || filtered(l, "g", Query{}) != "m4 m5 m6 m7" {
		t.Fatal("nothing was swept, or too much")
	}
	for i := range 40 {
		now = now.Add(time.Millisecond)
		put(t, l, "big/s", int64(i), strings.Repeat("x", 50))
	}
	if l.total > 2000 || filtered(l, "g", Query{}) != "" {
		t.Fatalf("%d bytes; the oldest are still there: %s", l.total, filtered(l, "g", Query{}))
	}
	if err := l.DropGroup("big"); err != nil || filtered(l, "big", Query{}) != "" || l.total != 0 {
		t.Fatal(err, l.total)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*", "*.seg")); len(files) != 0 {
		t.Fatal(files)
	}
}

func TestConcurrentWritersReadersAndSweeps(t *testing.T) {
	l := open(t, t.TempDir(), Options{SegmentBytes: 2000, MaxBytes: 1 << 20})
	woken := l.Watch(t.Context())
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 200 {
				put(t, l, fmt.Sprint("g/s", w), int64(i), "m")
				if i%20 == 0 {
					if _, err := l.Read("g", "s0", Query{}); err != nil {
						t.Error(err)
					}
					l.Sweep()
				}
			}
		})
	}
	wg.Wait()
	<-woken
	if events, _, err := l.Filter("g", nil, Query{}, all); err != nil || len(events) != 800 {
		t.Fatal(len(events), err)
	}
}

func FuzzSegment(f *testing.F) {
	var good bytes.Buffer
	appendFrame(&good, frame{kind: headFrame, seq: format, text: []byte("g")})
	appendFrame(&good, frame{eventFrame, 1, 2, 3, []byte("s"), []byte("hello")})
	f.Add(good.Bytes())
	f.Add(append(good.Bytes(), 0, 0, 0, 4, 9, 9, 9, 9, 'n'))
	f.Add([]byte{255, 255, 255, 255, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		read := func(data []byte) (frames []frame, n int64) {
			n, err := scan(bytes.NewReader(data), func(_ int64, _ int, f frame) error {
				f.stream, f.text = bytes.Clone(f.stream), bytes.Clone(f.text)
				frames = append(frames, f)
				return nil
			})
			if err != nil || n > int64(len(data)) {
				t.Fatal(n, err)
			}
			return frames, n
		}
		frames, n := read(data)
		again, m := read(data[:n])
		if m != n || !reflect.DeepEqual(frames, again) {
			t.Fatal("what was good is not good any more")
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	l := open(b, b.TempDir(), Options{})
	message := strings.Repeat("x", 500)
	for i := 0; b.Loop(); i++ {
		put(b, l, "g/s", int64(i), message)
	}
}
