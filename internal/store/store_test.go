package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"kumiko/internal/world"
)

func putAccount(t *testing.T, s *Store, id string) {
	t.Helper()
	_, err := s.Update(t.Context(), func(tx *world.Tx) error {
		tx.Accounts.Put(world.Account{ID: world.AccountID(id), Name: id})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCommitsSurviveAndFailuresChangeNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "world.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil {
		t.Fatal("a second daemon could open the same file")
	}
	putAccount(t, s, "a")
	before := s.World()
	boom := errors.New("boom")
	_, err = s.Update(t.Context(), func(tx *world.Tx) error {
		tx.Accounts.Put(world.Account{ID: "b"})
		tx.Accounts.Delete("a")
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatalf("got %v", err)
	}
	_, err = s.Update(t.Context(), func(tx *world.Tx) error {
		tx.Accounts.Put(world.Account{ID: "c"})
		panic("in a handler")
	})
	if err == nil {
		t.Fatal("a panic was swallowed")
	}
	if w := s.World(); w.Rev != before.Rev || w.Accounts.Len() != 1 || !w.Accounts.Has("a") {
		t.Fatalf("a failed transaction changed the world: %+v", w.Rev)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(t.Context(), func(*world.Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Fatalf("got %v after Close", err)
	}
	s, err = Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if w := s.World(); w.Rev != 1 || !w.Accounts.Has("a") {
		t.Fatalf("lost: revision %d, %d accounts", w.Rev, w.Accounts.Len())
	}
}

func TestConcurrentCallsShareCommitsAndSeeEachOther(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "world.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			_, err := s.Update(context.Background(), func(tx *world.Tx) error {
				a, _ := tx.Accounts.Get("counter")
				n := 0
				fmt.Sscan(a.Name, &n)
				tx.Accounts.Put(world.Account{ID: "counter", Name: fmt.Sprint(n + 1)})
				if i%10 == 0 {
					return errors.New("every tenth call fails")
				}
				return nil
			})
			if (err != nil) != (i%10 == 0) {
				t.Errorf("call %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	w := s.World()
	if a, _ := w.Accounts.Get("counter"); a.Name != "180" || w.Rev != 180 {
		t.Fatalf("counter %s at revision %d, want 180", a.Name, w.Rev)
	}
}

func TestWaitSeesWorldAndSeen(t *testing.T) {
	s := OpenMemory()
	defer s.Close()
	go func() {
		putAccount(t, s, "x")
		s.SetSeen(Seen{Rev: 1, Failing: map[string]string{"vpc-1": "no"}})
	}()
	err := s.Wait(t.Context(), func(w world.World, seen Seen) bool {
		return w.Accounts.Has("x") && seen.Ready(1, "vpc-2") && !seen.Ready(1, "vpc-1") && !seen.Ready(2)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func BenchmarkUpdateDurable(b *testing.B) {
	s, err := Open(filepath.Join(b.TempDir(), "world.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s.Update(context.Background(), func(tx *world.Tx) error {
				tx.VPCs.Put(world.VPC{ID: world.VPCID(tx.NewID("vpc"))})
				return nil
			})
		}
	})
}
