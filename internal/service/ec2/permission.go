package ec2

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// permission is what a rule has beside its peer.
type permission struct {
	protocol world.Protocol
	ports    world.PortRange
	icmp     world.ICMPMatch
}

// protocolName is a protocol as EC2 writes it.
func protocolName(p world.Protocol) string {
	switch p {
	case world.AnyProtocol:
		return "-1"
	case world.TCP:
		return "tcp"
	case world.UDP:
		return "udp"
	case world.ICMP:
		return "icmp"
	case world.ICMPv6:
		return "icmpv6"
	}
	return strconv.Itoa(int(p))
}

func isICMP(p world.Protocol) bool { return p == world.ICMP || p == world.ICMPv6 }

func parseProtocol(s string) (world.Protocol, error) {
	for _, p := range []world.Protocol{world.AnyProtocol, world.TCP, world.UDP, world.ICMP, world.ICMPv6} {
		if strings.EqualFold(s, protocolName(p)) {
			return p, nil
		}
	}
	n, err := strconv.Atoi(s)
	if strings.EqualFold(s, "all") {
		n, err = -1, nil
	}
	if err != nil || n < -1 || n > 255 {
		return 0, awserr.EC2InvalidValue("Invalid value '" + s + "' for IP protocol. Unknown protocol.")
	}
	return world.Protocol(n), nil
}

// parsePermission reads protocol and ports, in canonical form: ports of protocols without them are dropped.
func parsePermission(protocol *string, from, to *int32) (permission, error) {
	if val(protocol) == "" {
		return permission{}, awserr.EC2MissingParameter("ipProtocol")
	}
	p, err := parseProtocol(*protocol)
	if err != nil {
		return permission{}, err
	}
	switch {
	case p.HasPorts():
		if from == nil || to == nil {
			return permission{}, awserr.EC2InvalidValue("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.")
		}
		for _, n := range []int32{*from, *to} {
			if n < 0 || n > 65535 {
				return permission{}, awserr.EC2InvalidValue("TCP/UDP port (" + strconv.Itoa(int(n)) + ") out of range")
			}
		}
		if *from > *to {
			return permission{}, awserr.EC2InvalidValue("Invalid TCP/UDP port range (" + strconv.Itoa(int(*from)) + ":" + strconv.Itoa(int(*to)) + ")")
		}
		return permission{protocol: p, ports: world.PortRange{From: uint16(*from), To: uint16(*to)}}, nil
	case isICMP(p):
		m := world.ICMPMatch{Type: -1, Code: -1}
		if from != nil {
			m.Type = int(*from)
		}
		if to != nil {
			m.Code = int(*to)
		}
		if m.Type < -1 || m.Type > 255 || m.Code < -1 || m.Code > 255 {
			return permission{}, awserr.EC2InvalidValue("ICMP type (" + strconv.Itoa(m.Type) + ") or code (" + strconv.Itoa(m.Code) + ") out of range")
		}
		if m.Type == -1 {
			m.Code = -1
		}
		return permission{protocol: p, icmp: m}, nil
	}
	return permission{protocol: p}, nil
}

func permissionOf(r world.SecurityGroupRule) permission {
	return permission{r.Protocol, r.Ports, r.ICMP}
}

// ports are the from and to ports of a rule as EC2 writes them: type and code for ICMP, -1 where there are none.
func ports(r world.SecurityGroupRule) (int32, int32) {
	switch {
	case r.Protocol.HasPorts():
		return int32(r.Ports.From), int32(r.Ports.To)
	case isICMP(r.Protocol):
		return int32(r.ICMP.Type), int32(r.ICMP.Code)
	}
	return -1, -1
}

// permissions are the rules of one direction as EC2 describes groups: those with equal protocol and ports together.
func (v *view) permissions(rules []world.SecurityGroupRule, egress bool) []ec2api.IpPermission {
	out := []ec2api.IpPermission{}
	at := map[permission]int{}
	for _, r := range rules {
		if r.Egress != egress {
			continue
		}
		key := permissionOf(r)
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, emptyPermission(r))
		}
		v.addPeer(&out[i], r)
	}
	return out
}

func emptyPermission(r world.SecurityGroupRule) ec2api.IpPermission {
	p := ec2api.IpPermission{
		IpProtocol: new(protocolName(r.Protocol)), IpRanges: []ec2api.IpRange{}, Ipv6Ranges: []ec2api.Ipv6Range{},
		PrefixListIds: []ec2api.PrefixListId{}, UserIdGroupPairs: []ec2api.UserIdGroupPair{},
	}
	if r.Protocol.HasPorts() || isICMP(r.Protocol) {
		from, to := ports(r)
		p.FromPort, p.ToPort = new(from), new(to)
	}
	return p
}

func (v *view) addPeer(p *ec2api.IpPermission, r world.SecurityGroupRule) {
	var text *string
	if r.Description != "" {
		text = new(r.Description)
	}
	switch {
	case r.PeerGroup != "":
		pair := ec2api.UserIdGroupPair{GroupId: new(string(r.PeerGroup)), UserId: new(string(r.PeerAccount)), Description: text}
		if r.PeerVPC != "" {
			pair.VpcId = new(string(r.PeerVPC))
		}
		if r.Peering != "" {
			pair.VpcPeeringConnectionId, pair.PeeringStatus = new(string(r.Peering)), new(peeringOf(&v.w, r))
		}
		p.UserIdGroupPairs = append(p.UserIdGroupPairs, pair)
	case r.PeerList != "":
		p.PrefixListIds = append(p.PrefixListIds, ec2api.PrefixListId{PrefixListId: new(string(r.PeerList)), Description: text})
	case r.CIDR.Addr().Is6():
		p.Ipv6Ranges = append(p.Ipv6Ranges, ec2api.Ipv6Range{CidrIpv6: new(r.CIDR.String()), Description: text})
	default:
		p.IpRanges = append(p.IpRanges, ec2api.IpRange{CidrIp: new(r.CIDR.String()), Description: text})
	}
}

// ruleText is a rule in the words of InvalidPermission.Duplicate.
func ruleText(r world.SecurityGroupRule) string {
	peer := r.CIDR.String()
	switch {
	case r.PeerGroup != "":
		peer = string(r.PeerGroup)
	case r.PeerList != "":
		peer = string(r.PeerList)
	}
	what := strings.ToUpper(protocolName(r.Protocol))
	switch {
	case r.Protocol == world.AnyProtocol:
		what = "ALL"
	case r.Protocol.HasPorts():
		what += ", from port: " + strconv.Itoa(int(r.Ports.From)) + ", to port: " + strconv.Itoa(int(r.Ports.To))
	case isICMP(r.Protocol):
		what += ", type: " + anyOr(r.ICMP.Type) + ", code: " + anyOr(r.ICMP.Code)
	}
	return "peer: " + peer + ", " + what + ", ALLOW"
}

func anyOr(n int) string {
	if n == -1 {
		return "ALL"
	}
	return strconv.Itoa(n)
}

// readPermissions turns the permissions of a request into rules of the group, one for each peer.
func (e *ruleEdit) readPermissions(in []ec2api.IpPermission) ([]world.SecurityGroupRule, error) {
	var out []world.SecurityGroupRule
	for _, p := range in {
		rs, err := e.readPermission(p)
		if err != nil {
			return nil, err
		}
		if len(rs) == 0 {
			return nil, awserr.EC2Code("MissingParameter", "Source group ID missing.")
		}
		for _, r := range rs {
			if slices.ContainsFunc(out, r.SameMatch) {
				return nil, awserr.EC2InvalidValue("The same permission must not appear multiple times")
			}
			out = append(out, r)
		}
	}
	return out, nil
}

func (e *ruleEdit) readPermission(p ec2api.IpPermission) ([]world.SecurityGroupRule, error) {
	base, err := parsePermission(p.IpProtocol, p.FromPort, p.ToPort)
	if err != nil {
		return nil, err
	}
	rule := func(text *string) world.SecurityGroupRule {
		return world.SecurityGroupRule{
			Group: e.group.ID, Egress: e.egress, Protocol: base.protocol, Ports: base.ports, ICMP: base.icmp, Description: val(text),
		}
	}
	var out []world.SecurityGroupRule
	for _, x := range p.IpRanges {
		r := rule(x.Description)
		if r.CIDR, err = ruleCIDR(val(x.CidrIp), false); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	for _, x := range p.Ipv6Ranges {
		r := rule(x.Description)
		if r.CIDR, err = ruleCIDR(val(x.CidrIpv6), true); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	for _, x := range p.PrefixListIds {
		r := rule(x.Description)
		if r.PeerList, err = e.list(x.PrefixListId); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	for _, x := range p.UserIdGroupPairs {
		r := rule(x.Description)
		if err = e.peer(&r, x); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	for _, r := range out {
		if err := checkRuleText(r.Description); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ruleCIDR reads the range of a rule, in canonical form.
func ruleCIDR(s string, six bool) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if a, bad := netip.ParseAddr(s); bad == nil {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	if err != nil || p.Addr().Is6() != six {
		return netip.Prefix{}, awserr.EC2Code("InvalidParameterValue", "CIDR block %s is malformed", s)
	}
	return p.Masked(), nil
}

// list checks that a prefix list exists for the caller.
func (e *ruleEdit) list(id *string) (world.PrefixListID, error) {
	if err := awserr.EC2CheckID("prefix-list", val(id)); err != nil {
		return "", err
	}
	l, ok := e.tx.PrefixList(e.c.Region, world.PrefixListID(val(id)))
	if !ok || l.Account != "" && !l.OwnedBy(e.c) {
		return "", awserr.EC2NotFound("prefix-list", val(id))
	}
	return l.ID, nil
}
