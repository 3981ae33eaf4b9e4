package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"kumiko/bench/lab"
	"kumiko/bench/measure"
	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// perVPC is how many interfaces share a VPC where there are thousands in all.
const perVPC = 100

// compile measures how long it takes to say what the network must be: of a whole World, and after one rule was added.
func compile(context.Context, config) ([]measure.Table, error) {
	t := measure.Table{Title: "Compiling (one thread)"}
	for _, n := range []int{1000, 10_000} {
		w, group, err := populated(n)
		if err != nil {
			return nil, err
		}
		var whole, part measure.Sample
		f := fabric.Compile(w)
		for range compileRounds {
			begun := time.Now()
			f = fabric.Compile(w)
			whole.Milliseconds(time.Since(begun))
			tx := world.Begin(w, time.Now(), rand.Reader)
			lab.Allow(tx, group, "192.0.2.0/24", world.PortRange{From: 443, To: 443})
			changed, rows, err := tx.Seal()
			if err != nil {
				return nil, err
			}
			begun = time.Now()
			fabric.Recompile(f, w, changed, rows)
			part.Milliseconds(time.Since(begun))
		}
		t.Rows = append(t.Rows,
			measure.Row{What: fmt.Sprintf("%d interfaces, all", n), Unit: "ms", Ours: whole, Target: map[int]string{1000: "6 ms", 10_000: "120 ms"}[n]},
			measure.Row{What: fmt.Sprintf("%d interfaces, after one rule", n), Unit: "ms", Ours: part})
	}
	return []measure.Table{t}, nil
}

// compileRounds is how often each is done.
const compileRounds = 9

// populated is a World with the given number of interfaces, and a group of it.
func populated(n int) (world.World, world.SecurityGroupID, error) {
	tx := world.Begin(world.World{}, time.Now(), rand.Reader)
	var group world.SecurityGroupID
	for range n / perVPC {
		v := lab.AddVPC(tx, "10.0.0.0/24")
		groups := ruled(tx, v, 20)
		group = groups[0]
		lab.AddHosts(tx, v, perVPC, groups...)
	}
	w, _, err := tx.Seal()
	return w, group, err
}
