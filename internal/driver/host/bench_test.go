package host

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// TestMany starts many instances at once and tells what one costs.
func TestMany(t *testing.T) {
	const n = 200
	p := newPlace(t)
	var hosts []*fabric.Host
	begin := time.Now()
	for i := range n {
		id := world.InstanceID(fmt.Sprintf("i-%017x", i+1))
		p.namespace(id)
		hosts = append(hosts, p.want(id, fmt.Sprintf("10.9.1.%d", i+1), ""))
	}
	t.Logf("%d network namespaces in %v", n, time.Since(begin))
	d := p.driver()
	defer d.Close()
	ctx := context.Background()
	begin = time.Now()
	p.must(d.Apply(ctx, hosts[:1]))
	t.Logf("first instance ready in %v", time.Since(begin))
	begin = time.Now()
	p.must(d.Apply(ctx, hosts[:2]))
	t.Logf("second instance ready in %v", time.Since(begin))
	begin = time.Now()
	p.must(d.Apply(ctx, hosts))
	took := time.Since(begin)
	t.Logf("%d instances ready in %v", n-2, took)
	if took > 15*time.Second {
		t.Errorf("starting %d instances took %v", n, took)
	}
	d.mu.Lock()
	pid := d.hosts[hosts[n/2].ID].process.PID
	d.mu.Unlock()
	smaps, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	p.must(err)
	for l := range strings.Lines(string(smaps)) {
		if strings.HasPrefix(l, "Rss") || strings.HasPrefix(l, "Pss:") || strings.HasPrefix(l, "Private_Dirty") {
			t.Log(strings.TrimSpace(l))
		}
	}
	begin = time.Now()
	p.must(d.Down(ctx))
	t.Logf("all ended in %v", time.Since(begin))
}
