package access

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"kumiko/internal/record"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// TestRecords writes the connection of the example in the VPC Lattice documentation to both logs.
func TestRecords(t *testing.T) {
	st := store.OpenMemory()
	defer st.Close()
	log, err := record.Open(t.TempDir(), record.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c := world.Caller{Account: "000000000000", Region: "us-east-1"}
	group := world.LogGroupKey(c.Account, c.Region, "/aws/resource-configuration/")
	dest := "arn:aws:logs:us-east-1:000000000000:log-group:/aws/resource-configuration/:*"
	_, err = st.Update(t.Context(), func(tx *world.Tx) error {
		m := tx.NewMeta(c, nil)
		tx.VPCs.Put(world.VPC{ID: "vpc-1", Meta: m, CIDRs: []world.CIDRAssociation{{CIDR: netip.MustParsePrefix("10.10.10.0/24")}}})
		tx.LogGroups.Put(world.LogGroup{Meta: m, Name: "/aws/resource-configuration/"})
		tx.ServiceNetworks.Put(world.ServiceNetwork{ID: "sn-1", Meta: m})
		tx.VPCAssociations.Put(world.VPCAssociation{ID: "snva-1", Meta: m, Network: "sn-1", VPC: "vpc-1", Index: 7})
		for i, sub := range []string{"rcfg-1", "rcfg-2"} {
			id := world.ResourceConfigurationID(sub)
			tx.ResourceConfigurations.Put(world.ResourceConfiguration{ID: id, Meta: m})
			tx.ResourceAssociations.Put(world.ResourceAssociation{ID: world.ResourceAssociationID(fmt.Sprint("snra-", i+1)), Meta: m, Network: "sn-1",
				Configuration: id, Addr: netip.AddrFrom4([4]byte{129, 224, 52, byte(10 + i)})})
		}
		tx.Subnets.Put(world.Subnet{ID: "subnet-1", Meta: m, VPC: "vpc-1", CIDR: netip.MustParsePrefix("10.10.10.0/24")})
		tx.ENIs.Put(world.ENI{ID: "eni-1", Meta: m, VPC: "vpc-1", Subnet: "subnet-1", Endpoint: "vpce-1", Addrs: []netip.Addr{netip.MustParseAddr("10.10.10.200")}})
		tx.Endpoints.Put(world.Endpoint{ID: "vpce-1", Meta: m, Type: world.EndpointServiceNetwork, VPC: "vpc-1", Subnets: []world.SubnetID{"subnet-1"}, Network: "sn-1", Index: 9})
		tx.EndpointAssociations.Put(world.EndpointAssociation{ID: "vpce-rsc-asc-1", Meta: m, Endpoint: "vpce-1", Resource: "snra-1", Configuration: "rcfg-1", Addrs: []netip.Addr{netip.MustParseAddr("10.10.10.200")}})
		tx.AccessLogSubscriptions.Put(world.AccessLogSubscription{ID: "als-1", Meta: m, Network: "sn-1", LogType: "RESOURCE", Destination: dest})
		tx.AccessLogSubscriptions.Put(world.AccessLogSubscription{ID: "als-2", Meta: m, Configuration: "rcfg-1", Destination: dest})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r := New(Config{Store: st, Log: log})
	at := time.Date(2024, 12, 16, 9, 40, 46, 539_999_999, time.UTC)
	con := func(dest string, consumer uint16) Connection {
		return Connection{Time: at, Consumer: consumer, Client: netip.MustParseAddrPort("10.10.10.36:56200"), Dest: netip.MustParseAddrPort(dest),
			From: netip.MustParseAddrPort("10.10.10.33:52008"), Target: netip.MustParseAddrPort("10.10.10.53:22")}
	}
	r.Add(con("129.224.52.10:22", 7))
	r.Add(con("129.224.52.11:22", 7))
	r.Add(con("129.224.52.12:22", 7)) // of no association
	r.Add(con("129.224.52.10:22", 8)) // of no consumer
	r.Add(con("10.10.10.200:22", 7))  // an endpoint's, by another way
	r.Add(con("10.10.10.200:22", 9))
	r.Close()
	rest := `","sourceVpcArn":"arn:aws:ec2:us-east-1:000000000000:vpc/vpc-1","resourceConfigurationArn":"arn:aws:vpc-lattice:us-east-1:000000000000:resourceconfiguration/rcfg-1","protocol":"tcp","sourceIpPort":"10.10.10.36:56200","destinationIpPort":"129.224.52.10:22"`
	head := `{"eventTimestamp":"2024-12-16T09:40:46.539Z","serviceNetworkArn":"arn:aws:vpc-lattice:us-east-1:000000000000:servicenetwork/sn-1","serviceNetworkResourceAssociationId":"snra-1`
	behind := `,"gatewayIpPort":"10.10.10.33:52008","resourceIpPort":"10.10.10.53:22"}`
	for stream, want := range map[string]struct {
		n    int
		line string
	}{
		"/aws/vpc-lattice/resource-access-logs/sn-1":   {3, head + rest + `}`},
		"/aws/vpc-lattice/resource-access-logs/rcfg-1": {2, head + rest + behind},
		"/aws/vpc-lattice/resource-access-logs/rcfg-2": {0, ""},
	} {
		events, err := log.Read(group, stream, record.Query{})
		if err != nil || len(events) != want.n || want.n > 0 && (events[0].Message != want.line || events[0].Time != at.UnixMilli()) {
			t.Errorf("%s: %v %+v", stream, err, events)
		}
		if at := strings.Replace(head+`","vpcEndpointId":"vpce-1`+rest, "129.224.52.10", "10.10.10.200", 1); want.n == 2 && events[1].Message != at+behind {
			t.Errorf("by the endpoint: %s, want %s", events[1].Message, at+behind)
		}
		w := st.World()
		if w.LogStreams.Has(world.LogStreamKey(group, stream)) != (want.n > 0) {
			t.Errorf("%s: wrong row", stream)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	x := newIndex(world.World{})
	x.resources[netip.MustParseAddr("129.224.0.1")] = resource{"snra-1", "sn-1", "rcfg-1"}
	x.consumers[1] = consumer{vpc: "vpc-1", resources: x.resources}
	x.networks["sn-1"], x.configs["rcfg-1"] = "g", "g"
	c := Connection{Consumer: 1, Dest: netip.MustParseAddrPort("129.224.0.1:22"), Client: netip.MustParseAddrPort("10.0.0.1:1"), From: netip.MustParseAddrPort("10.0.0.2:1"), Target: netip.MustParseAddrPort("10.0.0.3:1")}
	for b.Loop() {
		lines := map[target][]record.Event{}
		if err := c.render(x, lines); err != nil || len(lines) != 2 {
			b.Fatal(err, len(lines))
		}
	}
}
