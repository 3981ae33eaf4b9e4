package ec2

import (
	"context"
	"net/netip"
	"slices"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// CreateNetworkAcl makes an ACL that refuses everything until it has entries.
func (s *Service) CreateNetworkAcl(ctx context.Context, c world.Caller, in *ec2api.CreateNetworkAclInput) (*ec2api.CreateNetworkAclOutput, error) {
	given, err := oneSpec(in.TagSpecifications, "network-acl")
	if err != nil {
		return nil, err
	}
	var id string
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		id, err = tokenCall{c, "CreateNetworkAcl", in.ClientToken, in}.once(tx, func() (string, error) {
			p, err := find(&tx.VPCs, c, "vpc", in.VpcId)
			if err != nil {
				return "", err
			}
			if count(tx.NetworkACLs.In(string(p.ID))) >= maxACLs {
				return "", awserr.EC2Limit("NetworkAclLimitExceeded", "The maximum number of network ACLs has been reached.")
			}
			r := world.NetworkACL{ID: world.NetworkACLID(tx.NewID("acl")), Meta: tx.NewMeta(c, given), VPC: p.ID}
			tx.NetworkACLs.Put(r)
			return string(r.ID), nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	r, ok := v.w.NetworkACLs.Get(world.NetworkACLID(id))
	if !ok {
		return nil, awserr.EC2NotFound("network-acl", id) // made with this token before, and deleted since
	}
	return &ec2api.CreateNetworkAclOutput{NetworkAcl: new(v.networkACL(r)), ClientToken: in.ClientToken}, nil
}

// DeleteNetworkAcl removes an ACL no subnet uses.
func (s *Service) DeleteNetworkAcl(ctx context.Context, c world.Caller, in *ec2api.DeleteNetworkAclInput) (*ec2api.DeleteNetworkAclOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		r, err := find(&tx.NetworkACLs, c, "network-acl", in.NetworkAclId)
		if err != nil {
			return err
		}
		if r.Default {
			return awserr.EC2InvalidValue("cannot delete default network ACL " + string(r.ID))
		}
		for n := range tx.Subnets.In(string(r.VPC)) {
			if n.NetworkACL == r.ID {
				return awserr.EC2Dependency("network-acl", string(r.ID))
			}
		}
		tx.NetworkACLs.Delete(r.ID)
		return nil
	})
	return &ec2api.DeleteNetworkAclOutput{}, err
}

// aclEntryRequest is what CreateNetworkAclEntry and ReplaceNetworkAclEntry have in common.
type aclEntryRequest struct {
	number           *int32
	protocol, action *string
	egress           *bool
	cidr, cidr6      *string
	icmp             *ec2api.IcmpTypeCode
	ports            *ec2api.PortRange
}

// entry is the entry that a request describes.
func (q aclEntryRequest) entry() (world.NetworkACLEntry, error) {
	e := world.NetworkACLEntry{Egress: val(q.egress)}
	var err error
	if e.Number, err = aclRuleNumber(q.number); err != nil {
		return e, err
	}
	if e.Protocol, err = aclProtocol(val(q.protocol)); err != nil {
		return e, err
	}
	switch val(q.action) {
	case "allow":
		e.Allow = true
	case "deny":
	default:
		return e, awserr.EC2InvalidParameter("ruleAction", val(q.action), "Expecting allow or deny.")
	}
	if e.CIDR, err = q.block(); err != nil {
		return e, err
	}
	return e, q.details(&e)
}

// aclRuleNumber is the number of an entry that users may have. (Amazon VPC User Guide, "Network ACL rules".)
func aclRuleNumber(n *int32) (int, error) {
	if n == nil {
		return 0, awserr.EC2MissingParameter("ruleNumber")
	}
	if *n < 1 || *n >= lastACLRule {
		return 0, awserr.EC2InvalidParameter("ruleNumber", itoa(int(*n)), "Expecting a value from 1 to "+itoa(lastACLRule-1)+".")
	}
	return int(*n), nil
}

// aclProtocol reads the protocol of an entry: a number, or -1 for all. Names are taken as in security groups.
func aclProtocol(s string) (world.Protocol, error) {
	if s == "" {
		return 0, awserr.EC2MissingParameter("protocol")
	}
	return parseProtocol(s)
}

// block is the range a request is about. Entries for IPv6 are kept and match nothing: there are no such packets.
func (q aclEntryRequest) block() (netip.Prefix, error) {
	switch {
	case set(q.cidr) && set(q.cidr6):
		return netip.Prefix{}, awserr.EC2Combination("The parameter 'cidrBlock' may not be used in combination with 'ipv6CidrBlock'")
	case set(q.cidr):
		return parseCIDR("cidrBlock", *q.cidr)
	case set(q.cidr6):
		p, err := netip.ParsePrefix(*q.cidr6)
		if err != nil || !p.Addr().Is6() || p.Addr().Is4In6() {
			return netip.Prefix{}, awserr.EC2InvalidParameter("ipv6CidrBlock", *q.cidr6, "This is not a valid IPv6 CIDR block.")
		}
		return p.Masked(), nil
	}
	return netip.Prefix{}, awserr.EC2Code("MissingParameter", "Either 'cidrBlock' or 'ipv6CidrBlock' should be provided.")
}

// details reads the ports or the ICMP type of an entry. Ports of a protocol without ports do not count, as in AWS.
func (q aclEntryRequest) details(e *world.NetworkACLEntry) error {
	switch {
	case q.icmp != nil && !isICMP(e.Protocol):
		return awserr.EC2Combination("The parameter 'icmpTypeCode' is for the ICMP protocols")
	case e.Protocol.HasPorts():
		if q.ports == nil || q.ports.From == nil || q.ports.To == nil {
			return awserr.EC2MissingParameter("portRange")
		}
		from, to := *q.ports.From, *q.ports.To
		if from < 0 || to > 65535 || from > to {
			return awserr.EC2InvalidParameter("portRange", itoa(int(from))+"-"+itoa(int(to)), "Expecting ports from 0 to 65535, the lower one first.")
		}
		e.Ports = world.PortRange{From: uint16(from), To: uint16(to)}
	case isICMP(e.Protocol):
		if q.icmp == nil || q.icmp.Type == nil || q.icmp.Code == nil {
			return awserr.EC2MissingParameter("icmpTypeCode")
		}
		kind, code := *q.icmp.Type, *q.icmp.Code
		if kind < -1 || kind > 255 || code < -1 || code > 255 || kind == -1 && code != -1 {
			return awserr.EC2InvalidParameter("icmpTypeCode", itoa(int(kind))+"/"+itoa(int(code)), "Expecting a type and a code from -1 to 255.")
		}
		e.ICMP = world.ICMPMatch{Type: int(kind), Code: int(code)}
	}
	return nil
}

// changeACL runs f on the entries of an ACL; at is the place of the entry with the number and direction, or -1.
func (s *Service) changeACL(ctx context.Context, c world.Caller, q aclChange, f func(r *world.NetworkACL, at int) error) error {
	_, err := s.update(ctx, c, q.dry, func(tx *world.Tx) error {
		r, err := find(&tx.NetworkACLs, c, "network-acl", q.id)
		if err != nil {
			return err
		}
		r.Entries = slices.Clone(r.Entries)
		at := slices.IndexFunc(r.Entries, func(e world.NetworkACLEntry) bool { return e.Number == q.number && e.Egress == q.egress })
		if err := f(&r, at); err != nil {
			return err
		}
		tx.Touch(&r.Meta)
		tx.NetworkACLs.Put(r)
		return nil
	})
	return err
}

// aclChange names an entry of an ACL.
type aclChange struct {
	id     *string
	number int
	egress bool
	dry    *bool
}

func noACLEntry(number int) error {
	return awserr.EC2Code("InvalidNetworkAclEntry.NotFound", "The network acl entry identified by %d does not exist.", number)
}

// CreateNetworkAclEntry adds an entry to an ACL.
func (s *Service) CreateNetworkAclEntry(ctx context.Context, c world.Caller, in *ec2api.CreateNetworkAclEntryInput) (*ec2api.CreateNetworkAclEntryOutput, error) {
	e, err := aclEntryRequest{in.RuleNumber, in.Protocol, in.RuleAction, in.Egress, in.CidrBlock, in.Ipv6CidrBlock, in.IcmpTypeCode, in.PortRange}.entry()
	if err != nil {
		return nil, err
	}
	err = s.changeACL(ctx, c, aclChange{in.NetworkAclId, e.Number, e.Egress, in.DryRun}, func(r *world.NetworkACL, at int) error {
		if at >= 0 {
			return awserr.EC2Code("NetworkAclEntryAlreadyExists", "The network acl entry identified by %d already exists.", e.Number)
		}
		return addACLEntry(r, e)
	})
	return &ec2api.CreateNetworkAclEntryOutput{}, err
}

// addACLEntry puts an entry in its place: entries are kept, and listed, in the order of their numbers.
func addACLEntry(r *world.NetworkACL, e world.NetworkACLEntry) error {
	same := 0
	for _, o := range r.Entries {
		if o.Egress == e.Egress && o.CIDR.Addr().Is6() == e.CIDR.Addr().Is6() {
			same++
		}
	}
	if same >= maxACLEntries {
		return awserr.EC2Limit("NetworkAclEntryLimitExceeded", "The maximum number of network ACL entries has been reached.")
	}
	at := slices.IndexFunc(r.Entries, func(o world.NetworkACLEntry) bool { return o.Number > e.Number })
	if at < 0 {
		at = len(r.Entries)
	}
	r.Entries = slices.Insert(r.Entries, at, e)
	return nil
}

// ReplaceNetworkAclEntry gives an entry of an ACL another meaning.
func (s *Service) ReplaceNetworkAclEntry(ctx context.Context, c world.Caller, in *ec2api.ReplaceNetworkAclEntryInput) (*ec2api.ReplaceNetworkAclEntryOutput, error) {
	e, err := aclEntryRequest{in.RuleNumber, in.Protocol, in.RuleAction, in.Egress, in.CidrBlock, in.Ipv6CidrBlock, in.IcmpTypeCode, in.PortRange}.entry()
	if err != nil {
		return nil, err
	}
	err = s.changeACL(ctx, c, aclChange{in.NetworkAclId, e.Number, e.Egress, in.DryRun}, func(r *world.NetworkACL, at int) error {
		if at < 0 {
			return noACLEntry(e.Number)
		}
		r.Entries = slices.Delete(r.Entries, at, at+1)
		return addACLEntry(r, e)
	})
	return &ec2api.ReplaceNetworkAclEntryOutput{}, err
}

// DeleteNetworkAclEntry removes an entry of an ACL.
func (s *Service) DeleteNetworkAclEntry(ctx context.Context, c world.Caller, in *ec2api.DeleteNetworkAclEntryInput) (*ec2api.DeleteNetworkAclEntryOutput, error) {
	number, err := aclRuleNumber(in.RuleNumber)
	if err != nil {
		return nil, err
	}
	err = s.changeACL(ctx, c, aclChange{in.NetworkAclId, number, val(in.Egress), in.DryRun}, func(r *world.NetworkACL, at int) error {
		if at < 0 {
			return noACLEntry(number)
		}
		r.Entries = slices.Delete(r.Entries, at, at+1)
		return nil
	})
	return &ec2api.DeleteNetworkAclEntryOutput{}, err
}

// ReplaceNetworkAclAssociation gives a subnet another ACL of its VPC.
func (s *Service) ReplaceNetworkAclAssociation(ctx context.Context, c world.Caller, in *ec2api.ReplaceNetworkAclAssociationInput) (*ec2api.ReplaceNetworkAclAssociationOutput, error) {
	if err := awserr.EC2CheckID("network-acl-association", val(in.AssociationId)); err != nil {
		return nil, err
	}
	var id string
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		r, err := find(&tx.NetworkACLs, c, "network-acl", in.NetworkAclId)
		if err != nil {
			return err
		}
		for _, n := range mine(&tx.Subnets, c) {
			if n.ACLAssociation != *in.AssociationId {
				continue
			}
			if n.VPC != r.VPC {
				return awserr.EC2InvalidValue("network acl " + string(r.ID) + " and subnet " + string(n.ID) + " belong to different networks")
			}
			id = tx.NewID("aclassoc")
			n.NetworkACL, n.ACLAssociation = r.ID, id
			tx.Touch(&n.Meta)
			tx.Subnets.Put(n)
			return nil
		}
		return awserr.EC2NotFound("network-acl-association", *in.AssociationId)
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.ReplaceNetworkAclAssociationOutput{NewAssociationId: new(id)}, nil
}
