package world

import (
	"net/netip"
	"strings"
	"time"
)

// LoadBalancer is a Network Load Balancer: an address in each of its subnets, at which its listeners take connections
// and pass them on to targets.
type LoadBalancer struct {
	ID LoadBalancerID
	Meta
	Name     string // unique in its account and region
	Internal bool   // scheme internal: its name answers private addresses
	VPC      VPCID
	Subnets  []SubnetID        // one in a zone, each with one ENI whose Balancer is this
	Groups   []SecurityGroupID // guard its ENIs; none: nothing is refused there

	Chosen []SubnetID // those of the subnets in which the address was asked for

	CrossZone           bool // load_balancing.cross_zone.enabled
	DeletionProtection  bool // deletion_protection.enabled
	EnforcePrivateLinks bool // EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic
}

// RowID is the load balancer's id.
func (b LoadBalancer) RowID() string { return string(b.ID) }

// Owner is the id of its VPC.
func (b LoadBalancer) Owner() string { return string(b.VPC) }

// Keys is its name.
func (b LoadBalancer) Keys() []string { return []string{namedKey(b.Meta, b.Name)} }

// digits are the hexadecimal digits of an id of Elastic Load Balancing.
func digits[T ~string](id T) string { return string(id)[strings.LastIndex(string(id), "-")+1:] }

// Path is what names the load balancer in ARNs and in descriptions of its ENIs: net/NAME/DIGITS.
func (b LoadBalancer) Path() string { return "net/" + b.Name + "/" + digits(b.ID) }

// ARN is its Amazon Resource Name.
func (b LoadBalancer) ARN() string { return elbARN(b.Meta, "loadbalancer/"+b.Path()) }

func elbARN(m Meta, resource string) string {
	return ARN("elasticloadbalancing", m.Region, m.Account, resource)
}

// Gateway is the id of the namespace that the load balancer is in the network, which is made as a resource gateway's.
func (b LoadBalancer) Gateway() ResourceGatewayID { return ResourceGatewayID(b.ID) }

// DNSName is its name, in the domain of its region. (Elastic Load Balancing, "Network Load Balancers".)
func (b LoadBalancer) DNSName() string {
	return strings.ToLower(b.Name) + "-" + digits(b.ID) + "." + BalancerDomain(b.Region)
}

// BalancerDomain is the public domain of the names of Network Load Balancers in a region.
func BalancerDomain(region string) string { return "elb." + region + ".amazonaws.com" }

// BalancerZone is the id of the hosted zone of the names of Network Load Balancers in a region. (AWS General Reference,
// "Elastic Load Balancing endpoints and quotas".)
func BalancerZone(region string) string {
	known := map[string]string{"us-east-1": "Z26RNL4JYFTOTI", "ap-northeast-1": "Z31USIVHYNEOWT"}
	if id, ok := known[region]; ok {
		return id
	}
	return hostedZone(BalancerDomain(region))[:14]
}

// ENIsOfBalancer are the managed ENIs of a load balancer, in the order of their ids.
func (w *World) ENIsOfBalancer(id LoadBalancerID) []ENI { return collect(w.ENIs.In(string(id))) }

// NodeAddress is the address that a load balancer's name answers for one of its ENIs.
func (w *World) NodeAddress(b LoadBalancer, e ENI) netip.Addr {
	if b.Internal {
		return e.Addr()
	}
	return w.PublicAddress(e)
}

// Listener takes connections to a port of a load balancer.
type Listener struct {
	ID ListenerID
	Meta
	Balancer LoadBalancerID
	Port     uint16
	Protocol string        // TCP
	Group    TargetGroupID // it forwards to
}

// RowID is the listener's id.
func (l Listener) RowID() string { return string(l.ID) }

// Owner is the id of its load balancer.
func (l Listener) Owner() string { return string(l.Balancer) }

// Keys is the id of its target group.
func (l Listener) Keys() []string { return add([]string(nil), l.Group) }

// ListenerARN is the Amazon Resource Name of a listener.
func (w *World) ListenerARN(l Listener) string {
	b, _ := w.LoadBalancers.Get(l.Balancer)
	return elbARN(l.Meta, "listener/"+b.Path()+"/"+digits(l.ID))
}

// TargetGroup is where listeners send connections: targets, and how they are checked.
type TargetGroup struct {
	ID TargetGroupID
	Meta
	Name       string // unique in its account and region
	VPC        VPCID
	Protocol   string // TCP
	Port       uint16 // of targets that are registered without one
	TargetType string // instance or ip
	Check      TargetCheck
	CrossZone  string        // true, false or use_load_balancer_configuration
	Drain      time.Duration // deregistration_delay.timeout_seconds
	Targets    []Target      // in the order they were registered
}

// TargetCheck is how the targets of a group are checked.
type TargetCheck struct {
	Protocol           string // TCP or HTTP
	Port               uint16 // 0: the target's
	Path               string `json:",omitempty"` // of HTTP
	Interval, Timeout  int    // seconds
	Healthy, Unhealthy int    // outcomes in a row that change the opinion
	FirstCode, LastOne int    `json:",omitempty"` // status codes of HTTP that are well
}

// Target is a target of a group.
type Target struct {
	ID      string // of an instance, or an address
	Port    uint16
	Drained time.Time `json:",omitzero"` // when it will have gone; zero: it is registered
}

// RowID is the group's id.
func (g TargetGroup) RowID() string { return string(g.ID) }

// Keys is its name.
func (g TargetGroup) Keys() []string { return []string{namedKey(g.Meta, g.Name)} }

// ARN is its Amazon Resource Name.
func (g TargetGroup) ARN() string { return elbARN(g.Meta, "targetgroup/"+g.Name+"/"+digits(g.ID)) }

func namedKey(m Meta, name string) string {
	return keyName + string(m.Account) + "/" + m.Region + "/" + name
}

// BalancerNamed is the load balancer with the name in an account and region.
func (w *World) BalancerNamed(c Caller, name string) (LoadBalancer, bool) {
	for b := range w.LoadBalancers.In(namedKey(Meta{Account: c.Account, Region: c.Region}, name)) {
		if !b.Deleting {
			return b, true
		}
	}
	return LoadBalancer{}, false
}

// GroupNamed is the target group with the name in an account and region.
func (w *World) GroupNamed(c Caller, name string) (TargetGroup, bool) {
	for g := range w.TargetGroups.In(namedKey(Meta{Account: c.Account, Region: c.Region}, name)) {
		return g, true
	}
	return TargetGroup{}, false
}

// BalancerOf is the load balancer that forwards to a target group: there is one at most.
func (w *World) BalancerOf(g TargetGroupID) (LoadBalancer, bool) {
	for l := range w.Listeners.In(string(g)) {
		if b, ok := w.LoadBalancers.Get(l.Balancer); ok && !b.Deleting {
			return b, true
		}
	}
	return LoadBalancer{}, false
}
