package nft

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kumiko/internal/kernel"
	"kumiko/internal/kernel/nft"
)

// TestMeter: the kernel lets so many packets a second of each source pass, whatever the others send, and what it counts is nothing
// that differs from what was asked for.
func TestMeter(t *testing.T) {
	path := namespaces(t, "a")("a")
	c, err := nft.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const most = 32
	table := &nft.Table{
		Name: TableName, Sets: []nft.Set{{Name: "asks", Key: []nft.Type{nft.Addr4}, Meter: true}},
		Chains: []nft.Chain{{Name: chainInput, Base: filter(nft.Input, nft.PriorityFilter, nft.Accept), Rules: []nft.Rule{
			nft.NewRule(nft.Is(nft.DestinationPort(unix.IPPROTO_UDP), nft.FieldPort(53)), nft.Over("asks", most, nft.IPv4.Source()), drop()),
		}}},
	}
	if err := c.Replace(table); err != nil {
		t.Fatal(err)
	}
	before := list(t, path)
	to := netip.MustParseAddrPort("127.0.0.53:53")
	server, err := kernel.ListenUDP(path, to)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	began, heard := time.Now(), map[string]int{}
	for _, from := range []string{"127.0.0.1", "127.0.0.2"} {
		client, err := kernel.ListenUDP(path, netip.AddrPortFrom(netip.MustParseAddr(from), 0))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		for range 10 * most { // over loopback what gets past the filter has arrived when this returns
			if _, err := client.WriteToUDPAddrPort([]byte("?"), to); err != nil {
				t.Fatal(err)
			}
		}
	}
	for in := make([]byte, 8); ; {
		if err := server.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil { // bounds the wait for what was dropped
			t.Fatal(err)
		}
		_, from, err := server.ReadFromUDPAddrPort(in)
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		heard[from.Addr().Unmap().String()]++
	}
	for _, from := range []string{"127.0.0.1", "127.0.0.2"} {
		if n := heard[from]; n < most || n > int(most*(2+time.Since(began).Seconds())) {
			t.Errorf("%d packets of %s passed, want %d", n, from, most)
		}
	}
	if after := list(t, path); after != before {
		t.Errorf("the table was\n%s\nand is\n%s", before, after)
	}
}
