package world

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// ENI is an elastic network interface: addresses of one subnet, guarded by security groups.
type ENI struct {
	ID ENIID
	Meta
	VPC             VPCID
	Subnet          SubnetID
	Index           uint32         // unique in the VPC for its life, from 1; what the kernel marks packets of this ENI with
	Addrs           []netip.Addr   // the first is the primary private address
	Prefixes        []netip.Prefix // /28 prefixes delegated to the ENI
	MAC             string         // 0a:…, locally administered
	Groups          []SecurityGroupID
	SourceDestCheck bool
	Description     string
	InterfaceType   string // interface, vpc_endpoint, nat_gateway, …

	Attachment Attachment

	RequesterManaged bool
	RequesterID      string             // who manages it, e.g. amazon-aws
	Gateway          ResourceGatewayID  // the resource gateway whose ENI this is, if any
	NAT              NATGatewayID       // the NAT gateway whose ENI this is, if any
	Endpoint         EndpointID         // the VPC endpoint whose ENI this is, if any
	Balancer         LoadBalancerID     `json:",omitempty"` // the load balancer whose ENI this is, if any
	Resolver         ResolverEndpointID // the Resolver endpoint whose ENI this is, if any; Attachment.DeviceIndex is its number there
	AutoPublic       bool               // gets a public address whenever its instance starts
	Public           netip.Addr         // the one it got, for the primary address; invalid: none. See also Address.
}

// Attachment ties an ENI to the instance that uses it. The zero value is "not attached".
type Attachment struct {
	ID                  string // eni-attach-
	Instance            InstanceID
	DeviceIndex         int
	DeleteOnTermination bool
	Time                time.Time
	Rev                 uint64 // revision in which it began, or was asked to end
	Detaching           bool   // asked to end: the instance no longer gets the cable; the attachment goes once that is true in the kernel
}

// RowID is the ENI's id.
func (e ENI) RowID() string { return string(e.ID) }

// Owner is the id of its VPC.
func (e ENI) Owner() string { return string(e.VPC) }

// Addr is the primary private address.
func (e ENI) Addr() netip.Addr { return e.Addrs[0] }

// PrivateName is the private DNS name that EC2 derives from an address:
// ip-10-0-0-5.ec2.internal in us-east-1, ip-10-0-0-5.REGION.compute.internal elsewhere.
// (Amazon EC2 User Guide, "EC2 instance hostnames and domains".)
func PrivateName(a netip.Addr, region string) string {
	return "ip-" + strings.ReplaceAll(a.String(), ".", "-") + "." + PrivateDomain(region)
}

// PrivateDomain is the domain of private EC2 names in a region.
func PrivateDomain(region string) string {
	if region == "us-east-1" {
		return "ec2.internal"
	}
	return region + ".compute.internal"
}

// NewENI makes an ENI row in subnet s with the given addresses; the caller fills in the rest and puts it.
// It takes the next port index of the VPC and draws the MAC address.
func (tx *Tx) NewENI(c Caller, s Subnet, addrs []netip.Addr, groups []SecurityGroupID) ENI {
	v, _ := tx.VPCs.Get(s.VPC)
	v.NextPort++
	tx.VPCs.Put(v)
	m := tx.Hex(10)
	return ENI{
		ID: ENIID(tx.NewID("eni")), Meta: tx.NewMeta(c, nil), VPC: s.VPC, Subnet: s.ID, Index: v.NextPort,
		Addrs: addrs, Groups: groups, SourceDestCheck: true, InterfaceType: "interface",
		MAC: fmt.Sprintf("0a:%s:%s:%s:%s:%s", m[0:2], m[2:4], m[4:6], m[6:8], m[8:10]),
	}
}
