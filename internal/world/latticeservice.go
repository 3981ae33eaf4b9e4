package world

import (
	"net/netip"
	"strings"
)

// LatticeService is a service of VPC Lattice: HTTP under a name, in the service networks it is associated with.
type LatticeService struct {
	ID LatticeServiceID
	Meta
	Name string
	Addr netip.Addr // at which its clients find it; services may share one, for requests name their service
}

// RowID is the service's id.
func (s LatticeService) RowID() string { return string(s.ID) }

// Keys tell whether its deletion was asked for.
func (s LatticeService) Keys() []string { return deleting(nil, s.Meta) }

// ServiceZone is the DNS zone of the generated names of services in a region. The label before vpc-lattice-svcs is the
// same for all accounts and regions. (Names shown by AWS, e.g. in the AWS CLI's examples.)
func ServiceZone(region string) string { return ServiceLabels + region + ".on.aws" }

// ServiceLabels are what the zones of all regions begin with.
const ServiceLabels = "7d67968.vpc-lattice-svcs."

// ServiceHostedZone is the id of the hosted zone that AWS keeps a region's ServiceZone in. It is known for one region;
// for the others it is made up, always the same way.
func ServiceHostedZone(region string) string {
	if region == "us-east-2" {
		return "Z09127221KTH2CFUOHIZH"
	}
	return madeUpZone("vpc-lattice-svcs " + region)
}

// DNSName is the generated DNS name of the service.
func (s LatticeService) DNSName() string {
	return s.Name + "-" + strings.TrimPrefix(string(s.ID), "svc-") + "." + ServiceZone(s.Region)
}

// latticeClients is the part of LatticeServices at which services are; from the rest, connections to targets come.
var latticeClients = netip.PrefixFrom(LatticeServices.Addr(), LatticeServices.Bits()+1)

// LatticeSource is the address from which connections to targets come.
var LatticeSource = Offset(LatticeServices, 1<<(32-LatticeServices.Bits()-1)+1)

// AllocateServiceAddress picks the address of a new service: the one that the fewest services have, and of those the lowest.
func (w *World) AllocateServiceAddress() netip.Addr {
	users := map[netip.Addr]int{}
	for s := range w.LatticeServices.All() {
		users[s.Addr]++
	}
	best := latticeClients.Addr().Next()
	for a := best; latticeClients.Contains(a.Next()); a = a.Next() { // the last one is left out, as the first is
		if users[a] < users[best] {
			best = a
		}
	}
	return best
}

// LatticeListener is a port of a service, and what becomes of requests there that no rule is for.
type LatticeListener struct {
	ID LatticeListenerID
	Meta
	Service  LatticeServiceID
	Name     string
	Protocol string // HTTP
	Port     uint16
	Default  LatticeAction
}

// RowID is the listener's id.
func (l LatticeListener) RowID() string { return string(l.ID) }

// Owner is the id of its service.
func (l LatticeListener) Owner() string { return string(l.Service) }

// LatticeRule says what becomes of requests that match.
type LatticeRule struct {
	ID LatticeRuleID
	Meta
	Listener LatticeListenerID
	Name     string
	Priority int
	Match    LatticeMatch
	Action   LatticeAction
}

// RowID is the rule's id.
func (r LatticeRule) RowID() string { return string(r.ID) }

// Owner is the id of its listener.
func (r LatticeRule) Owner() string { return string(r.Listener) }

// LatticeMatch is what requests a rule is for: those that match all of what is set.
type LatticeMatch struct {
	Method  string // exactly; empty: any
	Path    *LatticePathMatch
	Headers []LatticeHeaderMatch
}

// LatticePathMatch looks at the path of a request.
type LatticePathMatch struct {
	Exact, Prefix string // one is set
	CaseSensitive bool
}

// LatticeHeaderMatch looks at the values of a header.
type LatticeHeaderMatch struct {
	Name                    string
	Exact, Prefix, Contains string // one is set
	CaseSensitive           bool
}

// LatticeAction is an answer without a target, or target groups with weights.
type LatticeAction struct {
	Status int // of a fixed response; 0: forward
	Groups []LatticeWeight
}

// LatticeWeight is a target group's share of requests.
type LatticeWeight struct {
	Group  LatticeTargetGroupID
	Weight int
}

// LatticeTargetGroup is what services send requests to: instances or addresses in one VPC.
type LatticeTargetGroup struct {
	ID LatticeTargetGroupID
	Meta
	Name    string
	Type    string // INSTANCE or IP
	Port    uint16
	VPC     VPCID
	Check   LatticeCheck
	Targets []LatticeTarget
}

// The types of target groups that are built.
const (
	LatticeInstances = "INSTANCE"
	LatticeAddresses = "IP"
)

// RowID is the group's id.
func (g LatticeTargetGroup) RowID() string { return string(g.ID) }

// Owner is the id of its VPC.
func (g LatticeTargetGroup) Owner() string { return string(g.VPC) }

// Keys tell whether the deletion of it or of one of its targets was asked for.
func (g LatticeTargetGroup) Keys() []string {
	for _, t := range g.Targets {
		if t.Draining {
			return []string{keyDeleting}
		}
	}
	return deleting(nil, g.Meta)
}

// LatticeTarget is one member of a target group.
type LatticeTarget struct {
	ID       string // of an instance, or an address
	Port     uint16
	Draining bool // it was taken out; nothing new is sent to it
}

// LatticeCheck is how targets are asked whether they are well.
type LatticeCheck struct {
	Enabled            bool
	Port               uint16 // 0: the target's
	Path               string
	Interval, Timeout  int // in seconds
	Healthy, Unhealthy int // answers in a row
	Codes              string
}

// ServiceAssociation puts a service into a service network.
type ServiceAssociation struct {
	ID ServiceAssociationID
	Meta
	Network   ServiceNetworkID
	Service   LatticeServiceID
	CreatedBy AccountID
}

// RowID is the association's id.
func (a ServiceAssociation) RowID() string { return string(a.ID) }

// Owner is the id of its service network.
func (a ServiceAssociation) Owner() string { return string(a.Network) }

// Keys are the id of its service.
func (a ServiceAssociation) Keys() []string { return deleting(add([]string(nil), a.Service), a.Meta) }

// UsersOf are the services whose listeners or rules send to a target group.
func (w *World) UsersOf(g LatticeTargetGroupID) []LatticeServiceID {
	var out []LatticeServiceID
	for s := range w.LatticeServices.All() {
		if w.usesGroup(s.ID, g) {
			out = append(out, s.ID)
		}
	}
	return out
}

func (w *World) usesGroup(s LatticeServiceID, g LatticeTargetGroupID) bool {
	for l := range w.LatticeListeners.In(string(s)) {
		if l.Default.sendsTo(g) {
			return true
		}
		for r := range w.LatticeRules.In(string(l.ID)) {
			if r.Action.sendsTo(g) {
				return true
			}
		}
	}
	return false
}

func (a LatticeAction) sendsTo(g LatticeTargetGroupID) bool {
	for _, x := range a.Groups {
		if x.Group == g {
			return true
		}
	}
	return false
}
