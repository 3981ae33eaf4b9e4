package route_test

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
)

// BenchmarkHosts brings hosts of one VPC up, applies one change among them, takes the whole over as a fresh process
// does, and deletes all.
func BenchmarkHosts(b *testing.B) {
	for _, n := range []int{1, 10, 200} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var used, up, again, one, fresh, down time.Duration
			for b.Loop() {
				l := newLab(b)
				names := make([]string, n)
				for i := range names {
					names[i] = fmt.Sprintf("i-%d", i)
				}
				v, hosts := vpc("vpc-a", names...)
				f := &fabric.Fabric{VPCs: []*fabric.VPC{v}, Hosts: hosts}
				before := cpu(b)
				up += took(func() { l.must(f) })
				used += cpu(b) - before
				again += took(func() { l.must(f) })
				w, more := vpc("vpc-a", append(names, "i-more")...)
				g := &fabric.Fabric{VPCs: []*fabric.VPC{w}, Hosts: more}
				one += took(func() { l.must(g) })
				l.restart()
				fresh += took(func() { l.must(g) })
				down += took(func() { l.must(&fabric.Fabric{}) })
			}
			per := func(d time.Duration, of int) float64 { return d.Seconds() * 1000 / float64(b.N*of) }
			b.ReportMetric(per(up, n), "up-ms/host")
			b.ReportMetric(per(used, n), "up-cpu-ms/host")
			b.ReportMetric(per(again, 1), "again-ms")
			b.ReportMetric(per(one, 1), "one-more-ms")
			b.ReportMetric(per(fresh, n), "takeover-ms/host")
			b.ReportMetric(per(down, n), "down-ms/host")
		})
	}
}

// cpu is the time this process has used of the processors.
func cpu(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func took(f func()) time.Duration {
	t := time.Now()
	f()
	return time.Since(t)
}
