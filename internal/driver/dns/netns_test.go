package dns

import (
	"context"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	miekg "github.com/miekg/dns"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
)

// TestFollowsItsNamespace serves in a namespace, and again in the one that replaces it.
func TestFollowsItsNamespace(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("this test needs root, and nothing may be skipped here")
		}
		t.Skip("SKIPPED, PROVES NOTHING: this test makes network namespaces and needs root")
	}
	run := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(kernel.MountDir(kernel.Dir(run)))
	v := testVPC("vpc-1")
	v.Resolver.Addrs = []netip.Addr{netip.MustParseAddr("127.0.0.53")}
	home := kernel.Path(run, v.ID)
	d := New(Config{Run: run})
	t.Cleanup(func() {
		d.Close()
		must(kernel.Delete(home))
		must(kernel.UnmountDir(kernel.Dir(run)))
	})
	f := &fabric.Fabric{VPCs: []*fabric.VPC{v}}
	if err := d.Apply(context.Background(), f); err == nil {
		t.Error("nothing is said of a namespace that does not exist")
	}
	for range 2 {
		_, err := kernel.Create(home, nil)
		must(err)
		again := *v
		f = &fabric.Fabric{VPCs: []*fabric.VPC{&again}} // what is the same value as before is not looked for again
		must(d.Apply(context.Background(), f))
		var c net.Conn
		must(kernel.In(home, func() (err error) {
			c, err = net.Dial("udp", "127.0.0.53:53")
			return err
		}))
		must(c.SetDeadline(time.Now().Add(10 * time.Second)))
		m, _, err := new(miekg.Client).ExchangeWithConn(new(miekg.Msg).SetQuestion("db.example.internal.", miekg.TypeA), &miekg.Conn{Conn: c})
		must(err)
		if got := summary(m); got != "NOERROR | db.example.internal. 60 IN A 10.0.0.5" {
			t.Error(got)
		}
		must(c.Close())
		must(kernel.Delete(home))
	}
}
