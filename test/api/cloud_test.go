package api

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"kumiko/internal/api"
	"kumiko/internal/api/ec2api"
	"kumiko/internal/api/elbapi"
	"kumiko/internal/api/iamapi"
	"kumiko/internal/api/latticeapi"
	"kumiko/internal/api/logsapi"
	"kumiko/internal/api/resolverapi"
	"kumiko/internal/api/sealed"
	"kumiko/internal/api/stsapi"
	"kumiko/internal/api/wire"
	"kumiko/internal/guard"
	"kumiko/internal/record"
	"kumiko/internal/service/ec2"
	"kumiko/internal/service/elb"
	"kumiko/internal/service/iam"
	"kumiko/internal/service/lattice"
	"kumiko/internal/service/logs"
	"kumiko/internal/service/resolver"
	"kumiko/internal/service/ssm"
	"kumiko/internal/service/sts"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// caller is who calls, and where.
type caller struct{ account, region string }

// The callers of the tests. Each of them has an account's resources, see site.
var (
	ann   = caller{"111111111111", "us-east-1"}
	bob   = caller{"222222222222", "us-east-1"}
	ann2  = caller{"111111111111", "eu-west-1"} // the same account in another region
	empty = caller{"333333333333", "us-east-1"} // has nothing
)

// cloud is the APIs of all services over a store in memory.
type cloud struct {
	front http.Handler
	store *store.Store
}

func newCloud(tb testing.TB) *cloud {
	tb.Helper()
	st := store.OpenMemory()
	log, err := record.Open(tb.TempDir(), record.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { log.Close(); st.Close() })
	c := &cloud{store: st}
	network := ec2.New(ec2.Config{Store: st})
	box, err := sealed.New(make([]byte, sealed.KeySize))
	if err != nil {
		tb.Fatal(err)
	}
	agents := ssm.New(ssm.Config{Store: st, Box: box, Channels: obedient{}, Public: ec2.ImageParameters, URL: "http://localhost"})
	tb.Cleanup(agents.Close)
	guarded := guard.New(guard.Config{World: st.World, Box: box})
	c.front, err = api.New(api.Config{
		Services: []wire.Service{
			ec2api.Service(network),
			latticeapi.Service(lattice.New(lattice.Config{Store: st})),
			logsapi.Service(logs.New(logs.Config{Store: st, Log: log})),
			resolverapi.Service(resolver.New(resolver.Config{Store: st})),
			iamapi.Service(iam.New(iam.Config{Store: st, Guard: guarded})),
			elbapi.Service(elb.New(elb.Config{Store: st})),
			agents.Describe(),
			stsapi.Service(byUser{sts.New(sts.Config{Store: st, Guard: guarded, Box: box})}),
		},
		Credentials: keys{st}, Open: true, Log: slog.New(&complaints{tb: tb}),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// obedient are agents that take every order and say nothing.
type obedient struct{}

func (obedient) Connected(world.InstanceID) bool { return true }
func (obedient) Begin(world.NodeSession) error   { return nil }
func (obedient) End(string, string)              {}
func (obedient) Token(session string) string     { return "token of " + session }
func (obedient) Send(ssm.Order) error            { return nil }

// byUser lets the callers, who are accounts, be users of theirs where accounts may do nothing themselves.
type byUser struct{ *sts.Service }

func (s byUser) AssumeRole(ctx context.Context, c world.Caller, in *stsapi.AssumeRoleInput) (*stsapi.AssumeRoleOutput, error) {
	c.ARN = strings.Replace(c.ARN, ":root", ":user/one", 1)
	return s.Service.AssumeRole(ctx, c, in)
}

// complaints makes the test fail when the server logs an error: a panic, or an error it cannot tell the client.
type complaints struct {
	slog.TextHandler
	tb testing.TB
}

func (c *complaints) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }

func (c *complaints) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool { text += fmt.Sprintf("\n%s: %v", a.Key, a.Value); return true })
	c.tb.Error(text)
	return nil
}

// keys are the access keys in the store.
type keys struct{ *store.Store }

func (k keys) Lookup(id world.AccessKeyID, _ string) (api.Credential, bool) {
	w := k.World()
	row, ok := w.AccessKeys.Get(id)
	return api.Credential{Secret: row.Secret, Caller: world.Caller{
		Account: row.Account, ARN: "arn:aws:iam::" + string(row.Account) + ":root", UserID: string(row.Account),
	}}, ok
}

// settle plays the kernel and the agents: everything that was asked for is so, and what follows from that is done.
func (c *cloud) settle() {
	for {
		w := c.store.World()
		seen := store.Seen{Rev: w.Rev, Hosts: map[world.InstanceID]store.Host{}}
		for i := range w.Instances.All() {
			if i.Power == world.Running {
				seen.Hosts[i.ID] = store.Host{Phase: store.Running, Boot: i.Boot}
			}
		}
		c.store.SetSeen(seen)
		c.enrol(seen)
		if !lattice.Unfinished(w) && !resolver.Unfinished(w) && !ec2.Unfinished(w, seen, time.Now()) {
			return
		}
		if _, err := c.store.Update(context.Background(), func(tx *world.Tx) error {
			lattice.Finish(tx, seen)
			resolver.Finish(tx, seen)
			ec2.Finish(tx, seen)
			return nil
		}); err != nil {
			panic(fmt.Errorf("settle: %w", err))
		}
	}
}

// enrol makes running instances managed nodes.
func (c *cloud) enrol(seen store.Seen) {
	w := c.store.World()
	for i := range w.Instances.All() {
		if _, ok := seen.Hosts[i.ID]; !ok || w.ManagedNodes.Has(i.ID) {
			continue
		}
		if _, err := c.store.Update(context.Background(), func(tx *world.Tx) error {
			tx.ManagedNodes.Put(world.ManagedNode{Instance: i.ID, Meta: tx.NewMeta(world.Caller{Account: i.Account, Region: i.Region}, nil), Pinged: tx.Now,
				NodeReport: world.NodeReport{Agent: "amazon-ssm-agent", PlatformType: "Linux", Channel: "ssmmessages", Period: time.Hour}})
			return nil
		}); err != nil {
			panic(fmt.Errorf("enrol: %w", err))
		}
	}
}

// copy gives an empty cloud what another one has, whose revision it passes first.
func (c *cloud) copy(then world.World) {
	for n := 0; c.store.World().Rev <= then.Rev; n++ {
		if _, err := c.store.Update(context.Background(), func(tx *world.Tx) error {
			tx.Accounts.Put(world.Account{ID: "999999999999", Name: fmt.Sprint(n), Created: tx.Now})
			return nil
		}); err != nil {
			panic(fmt.Errorf("copy: %w", err))
		}
	}
	c.restore(then)
}

// restore makes the World what it was, with a later revision.
func (c *cloud) restore(then world.World) {
	now := c.store.World()
	if now.Rev == then.Rev {
		return
	}
	if _, err := c.store.Update(context.Background(), func(tx *world.Tx) error {
		rewind(&tx.Accounts, &then.Accounts)
		rewind(&tx.AccessKeys, &then.AccessKeys)
		rewind(&tx.ManagedNodes, &then.ManagedNodes)
		rewind(&tx.NodeSessions, &then.NodeSessions)
		rewind(&tx.Documents, &then.Documents)
		rewind(&tx.Parameters, &then.Parameters)
		rewind(&tx.Commands, &then.Commands)
		rewind(&tx.Users, &then.Users)
		rewind(&tx.Groups, &then.Groups)
		rewind(&tx.Roles, &then.Roles)
		rewind(&tx.ManagedPolicies, &then.ManagedPolicies)
		rewind(&tx.InstanceProfiles, &then.InstanceProfiles)
		rewind(&tx.IdempotencyTokens, &then.IdempotencyTokens)
		rewind(&tx.KeyPairs, &then.KeyPairs)
		rewind(&tx.DHCPOptions, &then.DHCPOptions)
		rewind(&tx.VPCs, &then.VPCs)
		rewind(&tx.Subnets, &then.Subnets)
		rewind(&tx.RouteTables, &then.RouteTables)
		rewind(&tx.NetworkACLs, &then.NetworkACLs)
		rewind(&tx.SecurityGroups, &then.SecurityGroups)
		rewind(&tx.SecurityGroupRules, &then.SecurityGroupRules)
		rewind(&tx.GroupAssociations, &then.GroupAssociations)
		rewind(&tx.ENIs, &then.ENIs)
		rewind(&tx.ENIPermissions, &then.ENIPermissions)
		rewind(&tx.Instances, &then.Instances)
		rewind(&tx.MetadataDefaults, &then.MetadataDefaults)
		rewind(&tx.ManagedPrefixLists, &then.ManagedPrefixLists)
		rewind(&tx.ServiceNetworks, &then.ServiceNetworks)
		rewind(&tx.VPCAssociations, &then.VPCAssociations)
		rewind(&tx.ResourceAssociations, &then.ResourceAssociations)
		rewind(&tx.ServiceAssociations, &then.ServiceAssociations)
		rewind(&tx.LatticeServices, &then.LatticeServices)
		rewind(&tx.LatticeListeners, &then.LatticeListeners)
		rewind(&tx.LatticeRules, &then.LatticeRules)
		rewind(&tx.LatticeTargetGroups, &then.LatticeTargetGroups)
		rewind(&tx.ResourceGateways, &then.ResourceGateways)
		rewind(&tx.ResourceConfigurations, &then.ResourceConfigurations)
		rewind(&tx.AccessLogSubscriptions, &then.AccessLogSubscriptions)
		rewind(&tx.ResourcePolicies, &then.ResourcePolicies)
		rewind(&tx.LogGroups, &then.LogGroups)
		rewind(&tx.LogStreams, &then.LogStreams)
		rewind(&tx.InternetGateways, &then.InternetGateways)
		rewind(&tx.EgressOnlyGateways, &then.EgressOnlyGateways)
		rewind(&tx.Addresses, &then.Addresses)
		rewind(&tx.NATGateways, &then.NATGateways)
		rewind(&tx.Peerings, &then.Peerings)
		rewind(&tx.FlowLogs, &then.FlowLogs)
		rewind(&tx.Endpoints, &then.Endpoints)
		rewind(&tx.EndpointAssociations, &then.EndpointAssociations)
		rewind(&tx.EndpointServices, &then.EndpointServices)
		rewind(&tx.LoadBalancers, &then.LoadBalancers)
		rewind(&tx.Listeners, &then.Listeners)
		rewind(&tx.TargetGroups, &then.TargetGroups)
		rewind(&tx.SubnetReservations, &then.SubnetReservations)
		rewind(&tx.NetworkInsightsPaths, &then.NetworkInsightsPaths)
		rewind(&tx.NetworkInsightsAnalyses, &then.NetworkInsightsAnalyses)
		rewind(&tx.NetworkInsightsScopes, &then.NetworkInsightsScopes)
		rewind(&tx.NetworkInsightsScopeAnalyses, &then.NetworkInsightsScopeAnalyses)
		rewind(&tx.ResolverEndpoints, &then.ResolverEndpoints)
		rewind(&tx.ResolverRules, &then.ResolverRules)
		rewind(&tx.ResolverRuleAssociations, &then.ResolverRuleAssociations)
		rewind(&tx.QueryLogConfigs, &then.QueryLogConfigs)
		rewind(&tx.QueryLogAssociations, &then.QueryLogAssociations)
		return nil
	}); err != nil {
		panic(fmt.Errorf("restore: %w", err))
	}
	c.settle()
}

func rewind[K ~string, V world.Row](now, then *world.Table[K, V]) {
	for _, v := range now.Where(func(v V) bool { return !then.Has(K(v.RowID())) }) {
		now.Delete(K(v.RowID()))
	}
	for v := range then.All() {
		now.Put(v)
	}
}

// dump is every row as text; equal Worlds have equal dumps.
func dump(tb testing.TB, w world.World) string {
	tb.Helper()
	rows, err := w.Dump()
	if err != nil {
		tb.Fatal(err)
	}
	return fmt.Sprintf("%s", rows)
}

// do sends a request to the server without a network in between.
func (c *cloud) do(r *http.Request) answer {
	w := &recorder{header: http.Header{}}
	c.front.ServeHTTP(w, r)
	return newAnswer(w.status, w.header, w.body)
}

// recorder is an http.ResponseWriter that keeps what is written.
type recorder struct {
	status int
	header http.Header
	body   []byte
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) { r.status = status }

func (r *recorder) Write(p []byte) (int, error) { r.body = append(r.body, p...); return len(p), nil }

var _ io.Writer = (*recorder)(nil)
