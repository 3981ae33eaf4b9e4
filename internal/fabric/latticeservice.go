package fabric

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"kumiko/internal/world"
)

// EndpointServices is the type of the endpoint in which a VPC meets Lattice's services. No row is behind it: it is there
// while the VPC has clients or targets of services.
const EndpointServices = "Services"

// ProxyScope is the scope of the proxy between the clients and the targets of services.
const ProxyScope = "proxy"

// ServicePoint is the id of the endpoint in which a VPC meets Lattice's services.
func ServicePoint(v world.VPCID) world.EndpointID { return world.EndpointID("lattice-" + v) }

// Point is a VPC's way to Lattice's services, and theirs to targets in it: a cable to its service point.
type Point struct {
	Endpoint    world.EndpointID
	Association world.VPCAssociationID  // of its clients; empty: it has targets only
	Groups      []world.SecurityGroupID // of the association: their ingress rules filter clients; none: no filter
	Targets     bool                    // connections to targets begin at it
}

// Service is a service of VPC Lattice, as far as it is in a service network.
type Service struct {
	ID        world.LatticeServiceID
	ARN       string
	Name      string // generated DNS name
	Addr      netip.Addr
	Networks  []world.ServiceNetworkID // sorted
	Listeners []ServiceListener        // sorted by Port
}

// ServiceListener is a port of a service with its rules.
type ServiceListener struct {
	ID    world.LatticeListenerID
	Port  uint16
	Rules []ServiceRule // in the order they are asked; the last one matches everything
}

// ServiceRule says what becomes of requests that match.
type ServiceRule struct {
	ID     world.LatticeRuleID // empty: what the listener does by default
	Match  world.LatticeMatch
	Action world.LatticeAction
}

// TargetGroup is where services send requests to.
type TargetGroup struct {
	ID      world.LatticeTargetGroupID
	ARN     string
	VPC     world.VPCID
	Used    bool // by a listener or a rule of a service
	Check   world.LatticeCheck
	Targets []ServiceTarget // sorted by Key
}

// ServiceTarget is a target that may be sent to.
type ServiceTarget struct {
	Key string // the target as it was registered: id and port
	To  netip.AddrPort
}

// TargetKey stands for a target in its group.
func TargetKey(t world.LatticeTarget) string {
	return t.ID + ":" + strconv.Itoa(int(t.Port))
}

// Request is what rules look at.
type Request struct {
	Method, Path string
	Header       map[string][]string // names in lower case
}

// Choose is the first rule that matches the request. (VPC Lattice User Guide, "Listener rules".)
func (l ServiceListener) Choose(r Request) ServiceRule {
	for _, x := range l.Rules {
		if matches(x.Match, r) {
			return x
		}
	}
	return ServiceRule{Action: world.LatticeAction{Status: 404}}
}

func matches(m world.LatticeMatch, r Request) bool {
	if m.Method != "" && m.Method != r.Method {
		return false
	}
	if p := m.Path; p != nil && !alike(r.Path, p.Exact, p.Prefix, "", p.CaseSensitive) {
		return false
	}
	for _, h := range m.Headers {
		if !slices.ContainsFunc(r.Header[strings.ToLower(h.Name)], func(v string) bool {
			return alike(v, h.Exact, h.Prefix, h.Contains, h.CaseSensitive)
		}) {
			return false
		}
	}
	return true
}

// alike compares a value with the one of the three patterns that is not empty.
func alike(value, exact, prefix, contains string, caseSensitive bool) bool {
	if !caseSensitive {
		value, exact, prefix, contains = strings.ToLower(value), strings.ToLower(exact), strings.ToLower(prefix), strings.ToLower(contains)
	}
	switch {
	case exact != "":
		return value == exact
	case prefix != "":
		return strings.HasPrefix(value, prefix)
	}
	return contains != "" && strings.Contains(value, contains)
}

// Pick is the target group that the nth request goes to: each in its turn, as often as its weight says. It is not ok
// when no group has any weight.
func Pick(a world.LatticeAction, n uint64) (world.LatticeTargetGroupID, bool) {
	var sum, unit uint64 // of which all weights are multiples
	for _, g := range a.Groups {
		sum, unit = sum+uint64(g.Weight), divisor(unit, uint64(g.Weight))
	}
	if sum == 0 {
		return "", false
	}
	sum /= unit
	n = n % sum * step(sum) % sum
	for _, g := range a.Groups {
		w := uint64(g.Weight) / unit
		if n < w {
			return g.Group, true
		}
		n -= w
	}
	return "", false
}

// step is coprime to sum and near its golden section, so that its multiples visit all numbers below sum, evenly spread.
func step(sum uint64) uint64 {
	for s := max(1, sum*618/1000); ; s++ {
		if divisor(s, sum) == 1 {
			return s
		}
	}
}

// divisor is the greatest common divisor.
func divisor(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Among are the targets that requests go to: the healthy ones, or all when none is. (VPC Lattice User Guide, "Health checks".)
func (g *TargetGroup) Among(healthy func(key string) bool) []ServiceTarget {
	var out []ServiceTarget
	for _, t := range g.Targets {
		if !g.Check.Enabled || healthy(t.Key) {
			out = append(out, t)
		}
	}
	if len(out) == 0 {
		return g.Targets
	}
	return out
}

// ServiceOf is the service that a client of the VPC means by a host name at an address and port; nil when there is none
// in the VPC's service network.
func (f *Fabric) ServiceOf(v *VPC, addr netip.Addr, port uint16, host string) (*Service, ServiceListener) {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	for _, s := range f.ServicesAt(v, addr, port) {
		if s.Name == host {
			l, _ := s.listener(port)
			return s, l
		}
	}
	return nil, ServiceListener{}
}

// Choice is what becomes of a request to a service.
type Choice struct {
	Service  world.LatticeServiceID // empty: no service of the VPC's network is meant
	Listener world.LatticeListenerID
	Rule     world.LatticeRuleID          // empty: what the listener does by default
	Status   int                          // what it is answered without a target; 0: a target answers
	Groups   []world.LatticeTargetGroupID // that it may go to
	Targets  []ChoiceTarget               // likewise, whatever their health
	Chosen   ChoiceTarget                 // one of them
}

// ChoiceTarget is a target with its group.
type ChoiceTarget struct {
	Group world.LatticeTargetGroupID
	VPC   world.VPCID
	ServiceTarget
}

// Decide says what becomes of a client's request: which service it means, which rule is for it, and where that may send it.
func (f *Fabric) Decide(v *VPC, at netip.AddrPort, host string, r Request) Choice {
	s, l := f.ServiceOf(v, at.Addr(), at.Port(), host)
	if s == nil {
		return Choice{Status: 404}
	}
	c := Choice{Service: s.ID, Listener: l.ID}
	if v.Signed { // there are no auth policies, and without one nobody may
		c.Status = 403
		return c
	}
	rule := l.Choose(r)
	c.Rule, c.Status = rule.ID, rule.Action.Status
	for _, w := range rule.Action.Groups {
		g := f.TargetGroup(w.Group)
		if w.Weight == 0 || g == nil {
			continue
		}
		c.Groups = append(c.Groups, g.ID)
		for _, t := range g.Targets {
			c.Targets = append(c.Targets, ChoiceTarget{Group: g.ID, VPC: g.VPC, ServiceTarget: t})
		}
	}
	if c.Status == 0 && len(c.Targets) == 0 {
		c.Status = 503
	}
	return c
}

// Text says it in words.
func (c Choice) Text() string {
	rule := "the default action of " + string(c.Listener)
	if c.Rule != "" {
		rule = string(c.Rule)
	}
	switch {
	case c.Service == "":
		return "404: the name is no service of the VPC's service network at this address and port"
	case c.Status == 403:
		return "403: the service network asks for signed requests (AWS_IAM), and no auth policy allows any"
	case c.Status == 503:
		return fmt.Sprintf("503: %s has no target that runs", rule)
	case c.Status != 0:
		return fmt.Sprintf("%d: answered by %s of %s", c.Status, rule, c.Service)
	case c.Chosen.Key != "":
		return fmt.Sprintf("%s of %s sends to target %s of %s, from %s", rule, c.Service, c.Chosen.Key, c.Chosen.Group, world.LatticeSource)
	}
	return fmt.Sprintf("served by %s, chosen by %s", c.Service, rule)
}

// ServicesAt are the services that clients of the VPC find at an address and port.
func (f *Fabric) ServicesAt(v *VPC, addr netip.Addr, port uint16) []*Service {
	var out []*Service
	if v == nil || v.Network == "" {
		return nil
	}
	for _, s := range f.Services {
		if _, ok := s.listener(port); ok && s.Addr == addr && slices.Contains(s.Networks, v.Network) {
			out = append(out, s)
		}
	}
	return out
}

func (s *Service) listener(port uint16) (ServiceListener, bool) {
	for _, l := range s.Listeners {
		if l.Port == port {
			return l, true
		}
	}
	return ServiceListener{}, false
}

// TargetGroup finds a target group of the fabric; nil when it is not there.
func (f *Fabric) TargetGroup(id world.LatticeTargetGroupID) *TargetGroup {
	i, ok := slices.BinarySearchFunc(f.TargetGroups, id, func(g *TargetGroup, id world.LatticeTargetGroupID) int { return cmp.Compare(g.ID, id) })
	if !ok {
		return nil
	}
	return f.TargetGroups[i]
}

// services makes the services that are in some service network, and all target groups. They are few, and what their targets are
// depends on much.
func (c *compilation) services() {
	used := map[world.LatticeTargetGroupID]bool{}
	var services []*Service
	for row := range c.w.LatticeServices.All() {
		if s := c.service(row, used); !row.Deleting && len(s.Networks) > 0 {
			services = append(services, s)
		}
	}
	var groups []*TargetGroup
	for row := range c.w.LatticeTargetGroups.All() {
		if !row.Deleting {
			groups = append(groups, c.targetGroup(row, used[row.ID]))
		}
	}
	c.out.Services = patched(c.prev.Services, always, services, func(a, b *Service) int { return cmp.Compare(a.ID, b.ID) })
	c.out.TargetGroups = patched(c.prev.TargetGroups, always, groups, func(a, b *TargetGroup) int { return cmp.Compare(a.ID, b.ID) })
}

// service makes a service, and notes which target groups it uses.
func (c *compilation) service(row world.LatticeService, used map[world.LatticeTargetGroupID]bool) *Service {
	s := &Service{ID: row.ID, ARN: world.ARN("vpc-lattice", row.Region, row.Account, "service/"+string(row.ID)), Name: row.DNSName(), Addr: row.Addr}
	for a := range c.w.ServiceAssociations.In(string(row.ID)) {
		if !a.Deleting {
			s.Networks = append(s.Networks, a.Network)
		}
	}
	slices.Sort(s.Networks)
	for l := range c.w.LatticeListeners.In(string(row.ID)) {
		s.Listeners = append(s.Listeners, ServiceListener{ID: l.ID, Port: l.Port, Rules: c.serviceRules(l, used)})
	}
	slices.SortFunc(s.Listeners, func(a, b ServiceListener) int { return cmp.Compare(a.Port, b.Port) })
	return s
}

func (c *compilation) serviceRules(l world.LatticeListener, used map[world.LatticeTargetGroupID]bool) []ServiceRule {
	rules := c.w.LatticeRules.In(string(l.ID))
	order := map[world.LatticeRuleID]int{}
	var out []ServiceRule
	for r := range rules {
		order[r.ID] = r.Priority
		out = append(out, ServiceRule{ID: r.ID, Match: r.Match, Action: r.Action})
	}
	slices.SortFunc(out, func(a, b ServiceRule) int { return cmp.Compare(order[a.ID], order[b.ID]) })
	out = append(out, ServiceRule{Action: l.Default})
	for _, r := range out {
		for _, g := range r.Action.Groups {
			used[g.Group] = true
		}
	}
	return out
}

func (c *compilation) targetGroup(row world.LatticeTargetGroup, used bool) *TargetGroup {
	g := &TargetGroup{ID: row.ID, ARN: world.ARN("vpc-lattice", row.Region, row.Account, "targetgroup/"+string(row.ID)), VPC: row.VPC, Used: used, Check: row.Check}
	for _, t := range row.Targets {
		if a := c.targetAddr(row, t); a.IsValid() && !t.Draining {
			g.Targets = append(g.Targets, ServiceTarget{Key: TargetKey(t), To: netip.AddrPortFrom(a, t.Port)})
		}
	}
	slices.SortFunc(g.Targets, func(a, b ServiceTarget) int { return cmp.Compare(a.Key, b.Key) })
	return g
}

// targetAddr is the address of a target: of an instance that runs, the primary one of its first interface.
func (c *compilation) targetAddr(g world.LatticeTargetGroup, t world.LatticeTarget) netip.Addr {
	if g.Type == world.LatticeAddresses {
		a, _ := netip.ParseAddr(t.ID)
		return a
	}
	i, ok := c.w.Instances.Get(world.InstanceID(t.ID))
	if !ok || !runs(i) {
		return netip.Addr{}
	}
	for e := range c.w.ENIs.In(string(i.ID)) {
		if e.Attachment.DeviceIndex == 0 && e.VPC == g.VPC && len(e.Addrs) > 0 {
			return e.Addrs[0]
		}
	}
	return netip.Addr{}
}

// point gives a VPC its cable to its service point, when it has one.
func (c *compilation) point(v *VPC) {
	was, p := v.Point, &Point{Endpoint: ServicePoint(v.ID)}
	v.Point, v.Network, v.Signed, v.NetworkARN = nil, "", false, ""
	for a := range c.w.VPCAssociations.In(string(v.ID)) {
		if a.Deleting {
			continue
		}
		n, _ := c.w.ServiceNetworks.Get(a.Network)
		v.Network, v.Signed, v.NetworkARN = a.Network, n.AuthType == "AWS_IAM", n.ARN()
		for s := range c.w.ServiceAssociations.In(string(a.Network)) {
			if !s.Deleting {
				p.Association, p.Groups = a.ID, slices.Sorted(slices.Values(a.Groups))
			}
		}
	}
	for g := range c.w.LatticeTargetGroups.In(string(v.ID)) {
		p.Targets = p.Targets || !g.Deleting && len(g.Targets) > 0
	}
	switch {
	case p.Association == "" && !p.Targets:
	case reflect.DeepEqual(was, p):
		v.Point = was
	default:
		v.Point = p
	}
}

// points are the service points of all VPCs that have one.
func (c *compilation) points() (out []*Endpoint) {
	for _, v := range c.out.VPCs {
		if v.Point == nil {
			continue
		}
		e := &Endpoint{ID: v.Point.Endpoint, Type: EndpointServices, VPC: v.ID, Range: world.LatticeServices}
		for _, s := range c.out.Services {
			if v.Point.Association == "" || !slices.Contains(s.Networks, v.Network) {
				continue
			}
			for _, l := range s.Listeners {
				e.Takers = append(e.Takers, netip.AddrPortFrom(s.Addr, l.Port))
			}
		}
		slices.SortFunc(e.Takers, netip.AddrPort.Compare)
		e.Takers = slices.Compact(e.Takers)
		out = append(out, e)
	}
	return out
}

// serviceNames gives a VPC the zones of the generated names of services: they are public, so they exist everywhere; but a
// service has an address only where the VPC is associated with a network it is in.
func (c *compilation) serviceNames(v *VPC) {
	maps.DeleteFunc(v.View.Public, func(name string, _ *Zone) bool { return strings.HasPrefix(name, world.ServiceLabels) })
	for s := range c.w.LatticeServices.All() {
		if s.Deleting {
			continue
		}
		zone := world.ServiceZone(s.Region)
		z := v.View.Public[zone]
		if z == nil {
			z = NewZone(PublicZone, "", zone, awsSOA())
			v.View.Public[zone] = z
		}
		z.Exists[s.DNSName()] = true
		z.ancestors(s.DNSName())
		for a := range c.w.ServiceAssociations.In(string(s.ID)) {
			if !a.Deleting && a.Network == v.Network {
				z.Records[s.DNSName()] = []Record{addressRecord(s.Addr)}
			}
		}
	}
}
