package resolver

import (
	"fmt"
	"net/netip"
	"testing"

	"kumiko/internal/api/resolverapi"
	"kumiko/internal/awserr"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// Each VPC has a configuration, its owner alone sees and changes it, and it is in force when the resolver knows it.
func TestConfigurationsOfVPCs(t *testing.T) {
	st := store.OpenMemory()
	t.Cleanup(func() { _ = st.Close() })
	s, ctx := New(Config{Store: st}), t.Context()
	me, other := world.Caller{Account: "000000000000", Region: "us-east-1"}, world.Caller{Account: "111111111111", Region: "us-east-1"}
	var ids []string
	if _, err := st.Update(ctx, func(tx *world.Tx) error {
		for n := range 3 {
			v := world.VPC{
				ID: world.VPCID(tx.NewID("vpc")), Meta: tx.NewMeta(me, nil),
				CIDRs: []world.CIDRAssociation{{CIDR: netip.MustParsePrefix(fmt.Sprintf("10.%d.0.0/16", n))}},
			}
			tx.VPCs.Put(v)
			tx.RouteTables.Put(world.RouteTable{ID: world.RouteTableID(tx.NewID("rtb")), Meta: v.Meta, VPC: v.ID, Index: 1, Main: true})
			ids = append(ids, string(v.ID))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	is := func(id, want string) {
		t.Helper()
		out, err := s.GetResolverConfig(ctx, me, &resolverapi.GetResolverConfigInput{ResourceId: &id})
		if err != nil || *out.ResolverConfig.AutodefinedReverse != want || *out.ResolverConfig.ResourceId != id {
			t.Errorf("%s: %+v, %v, want %s", id, out, err, want)
		}
	}
	seen := func() { st.SetSeen(store.Seen{Rev: st.World().Rev}) }
	change := func(c world.Caller, id, flag string) string {
		_, err := s.UpdateResolverConfig(ctx, c, &resolverapi.UpdateResolverConfigInput{ResourceId: &id, AutodefinedReverseFlag: &flag})
		if err == nil {
			return ""
		}
		return awserr.From(err, awserr.Resolver).Code
	}
	is(ids[0], "ENABLED")
	if code := change(me, ids[0], "DISABLE"); code != "" {
		t.Error(code)
	}
	is(ids[0], "DISABLING")
	seen()
	is(ids[0], "DISABLED")
	is(ids[1], "ENABLED")
	for want, got := range map[string]string{
		"ResourceNotFoundException": change(other, ids[0], "ENABLE"), "": change(me, ids[0], "DISABLE"), "UnsupportedOperation": change(me, ids[0], "USE_LOCAL_RESOURCE_SETTING"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	is(ids[0], "DISABLED")
	first, err := s.ListResolverConfigs(ctx, me, &resolverapi.ListResolverConfigsInput{MaxResults: new(int32(2))})
	if err != nil || len(first.ResolverConfigs) != 2 || first.NextToken == nil {
		t.Fatalf("%+v, %v", first, err)
	}
	rest, err := s.ListResolverConfigs(ctx, me, &resolverapi.ListResolverConfigsInput{NextToken: first.NextToken})
	if err != nil || len(rest.ResolverConfigs) != 1 || rest.NextToken != nil {
		t.Errorf("%+v, %v", rest, err)
	}
	if none, err := s.ListResolverConfigs(ctx, other, &resolverapi.ListResolverConfigsInput{}); err != nil || len(none.ResolverConfigs) != 0 {
		t.Errorf("%+v, %v", none, err)
	}
}
