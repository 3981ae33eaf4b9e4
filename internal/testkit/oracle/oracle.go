package oracle

import (
	"fmt"
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

// Packet is the first one of a conversation, or any other of it.
type Packet struct {
	Protocol         world.Protocol
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16          // of tcp and udp
	ICMP             world.ICMPMatch // of icmp
}

// String is the packet as people write it.
func (p Packet) String() string {
	return fmt.Sprintf("%d %s:%d > %s:%d type %d", p.Protocol, p.Src, p.SrcPort, p.Dst, p.DstPort, p.ICMP.Type)
}

// answer is the packet that answers p; an echo is answered by an echo reply.
func (p Packet) answer() Packet {
	p.Src, p.Dst, p.SrcPort, p.DstPort = p.Dst, p.Src, p.DstPort, p.SrcPort
	if p.Protocol == world.ICMP && p.ICMP.Type == 8 {
		p.ICMP.Type = 0
	}
	return p
}

// Thing is what a refusal is by.
type Thing string

// The things that refuse.
const (
	SourceCheck     Thing = "source check"
	DestCheck       Thing = "destination check"
	GroupsOut       Thing = "security groups, egress"
	GroupsIn        Thing = "security groups, ingress"
	ACLOut          Thing = "network ACL, egress"
	ACLIn           Thing = "network ACL, ingress"
	NoRoute         Thing = "no route"
	Blackhole       Thing = "blackhole"
	Nobody          Thing = "nobody has the address"
	InternetGateway Thing = "internet gateway"
	NATGateway      Thing = "NAT gateway"
	Peering         Thing = "peering connection"
	Service         Thing = "VPC endpoint"
	Astray          Thing = "it arrives elsewhere"
	Loop            Thing = "loop"
)

// Verdict is what becomes of a conversation.
type Verdict struct {
	Open   bool
	Beyond bool  // it is for a part of AWS the oracle does not know; the rest says nothing
	Answer bool  // it is the answer that is refused
	By     Thing // that refused
	ID     string
}

// String is the verdict in words.
func (v Verdict) String() string {
	switch {
	case v.Beyond:
		return "beyond"
	case v.Open:
		return "open"
	case v.Answer:
		return fmt.Sprintf("the answer refused by %s %s", v.By, v.ID)
	}
	return fmt.Sprintf("refused by %s %s", v.By, v.ID)
}

// Judge says what becomes of a conversation whose first packet leaves the interface: it is open when the packet
// arrives at somebody and the answer arrives at the interface. There is a verdict for each of the addresses that a NAT
// gateway on the way may choose to send from.
func Judge(w *world.World, from world.ENIID, p Packet) []Verdict {
	var out []Verdict
	for n, choices := 0, 1; n < choices; n++ {
		c := &conversation{w: w, choice: n, choices: 1}
		out = append(out, c.judge(from, p))
		choices = max(choices, c.choices)
	}
	return out
}

func (c *conversation) judge(from world.ENIID, p Packet) Verdict {
	e, ok := c.w.ENIs.Get(from)
	if !ok || !alive(c.w, e) {
		return Verdict{By: Nobody, ID: string(from)}
	}
	c.first = end{e.ID, p}
	at, arrived, v := c.carry(place{eni: e}, p)
	if v != nil {
		return *v
	}
	c.answering, c.last = true, end{at.eni.ID, arrived}
	at, arrived, v = c.carry(at, arrived.answer())
	if v == nil && (at.eni.ID != from || at.gate != "" || arrived != p.answer()) {
		v = refuse(Astray, string(at.eni.ID))
	}
	if v != nil {
		v.Answer = true
		return *v
	}
	return Verdict{Open: true}
}

// alive tells whether a running instance, or a gateway of AWS's, is behind the interface.
func alive(w *world.World, e world.ENI) bool {
	if e.Deleting {
		return false
	}
	if e.NAT != "" || e.Gateway != "" || e.Endpoint != "" {
		return true
	}
	i, ok := w.Instances.Get(e.Attachment.Instance)
	return ok && i.Power == world.Running && !e.Attachment.Detaching
}

// place is where a packet is: at an interface, at a gateway endpoint of a VPC, or out on the Internet.
type place struct {
	eni     world.ENI
	gate    world.EndpointID
	outside bool
}

// conversation is two packets: the first one and its answer.
type conversation struct {
	w           *world.World
	first, last end // whose groups know the conversation when it is answered
	answering   bool
	nats        []translation
	choice      int // which of its addresses a NAT gateway takes
	choices     int // how many there are
}

// end is an end of a conversation, with the first packet as it is there.
type end struct {
	eni    world.ENIID
	packet Packet
}

// translation is what a NAT gateway remembers of a conversation.
type translation struct {
	gateway    world.NATGatewayID
	came, went Packet
}

func refuse(by Thing, id string) *Verdict { return &Verdict{By: by, ID: id} }

// carry takes a packet from a place to where it ends, or to what refuses it.
func (c *conversation) carry(at place, p Packet) (place, Packet, *Verdict) {
	for range 16 {
		var next place
		var v *Verdict
		came := at
		switch {
		case at.outside:
			next, p, v = c.fromInternet(p)
		case at.gate != "":
			next, v = c.fromGate(at.gate, p)
		default:
			next, p, v = c.leave(at.eni, p)
		}
		if v != nil {
			return place{}, p, v
		}
		if next.gate != "" {
			return next, p, c.serves(next.gate, p)
		}
		if next.outside {
			if world.ServiceAddresses.Contains(p.Dst) { // a service of AWS's, which is no part of the network
				return place{}, p, &Verdict{Beyond: true}
			}
			if _, ok := c.publicly(p.Dst); !ok { // somebody out there has it, or nobody
				if c.unused(p.Dst) {
					return place{}, p, refuse(Nobody, p.Dst.String())
				}
				return next, p, nil
			}
			at = next
			continue
		}
		if v = c.enter(came, next.eni, p); v != nil {
			return place{}, p, v
		}
		if next.eni.NAT == "" {
			return next, p, nil
		}
		if p, v = c.translate(came, next.eni, p); v != nil {
			return place{}, p, v
		}
		at = next
	}
	return place{}, p, refuse(Loop, "")
}

// leave takes a packet out of an interface: source check, groups, the subnet's ACL, the subnet's routes.
func (c *conversation) leave(e world.ENI, p Packet) (place, Packet, *Verdict) {
	if e.SourceDestCheck && !has(e, p.Src) {
		return place{}, p, refuse(SourceCheck, string(e.ID))
	}
	if !c.knows(e, p) && e.NAT == "" && !c.groupsLet(e, p, true) {
		return place{}, p, refuse(GroupsOut, string(e.ID))
	}
	hop := c.route(e, p)
	if hop.refused != nil && hop.refused.Beyond {
		return place{}, p, hop.refused
	}
	if inside := hop.refused == nil && hop.eni.ID != "" && hop.eni.Subnet == e.Subnet; !inside {
		s, _ := c.w.Subnets.Get(e.Subnet)
		if !s.CIDR.Contains(p.Dst) && !c.aclLets(s.NetworkACL, p, true) {
			return place{}, p, refuse(ACLOut, string(s.ID))
		}
	}
	switch {
	case hop.refused != nil:
		return place{}, p, hop.refused
	case hop.internet != "":
		return c.toInternet(e, hop.internet, p)
	case hop.gate != "":
		return place{gate: hop.gate}, p, nil
	}
	return place{eni: hop.eni}, p, nil
}

// enter takes a packet to an interface: the subnet's ACL, when it comes from elsewhere, groups, and destination check.
func (c *conversation) enter(from place, e world.ENI, p Packet) *Verdict {
	s, _ := c.w.Subnets.Get(e.Subnet)
	if (from.outside || from.gate != "" || from.eni.Subnet != e.Subnet) && !c.aclLets(s.NetworkACL, p, false) {
		return refuse(ACLIn, string(s.ID))
	}
	if e.Gateway != "" || e.Endpoint != "" && !c.ofService(e) {
		return &Verdict{Beyond: true}
	}
	if !c.knows(e, p) && e.NAT == "" && !c.groupsLet(e, p, false) {
		return refuse(GroupsIn, string(e.ID))
	}
	if e.SourceDestCheck && !has(e, p.Dst) {
		return refuse(DestCheck, string(e.ID))
	}
	if e.NAT == "" && !has(e, p.Dst) { // a middlebox, which does what it likes
		return &Verdict{Beyond: true}
	}
	if e.Endpoint != "" && !c.answering {
		return c.serves(e.Endpoint, p)
	}
	return nil
}

// knows tells whether the interface's groups have seen the packet that this one answers, and so let it pass.
func (c *conversation) knows(e world.ENI, p Packet) bool {
	return c.answering && (e.ID == c.first.eni && p == c.first.packet.answer() || e.ID == c.last.eni && p == c.last.packet.answer())
}

func has(e world.ENI, a netip.Addr) bool {
	return slices.Contains(e.Addrs, a) || slices.ContainsFunc(e.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}
