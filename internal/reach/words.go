package reach

import (
	"fmt"
	"strings"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// Summary is the answer in a sentence: yes, or no and because of what.
func (a Answer) Summary() string {
	switch {
	case a.Name != nil && !a.Asked.Dst.IsValid():
		return "no: " + a.Name.Text()
	case a.Stranger:
		return fmt.Sprintf("no: in this VPC %s is %s, not %s; the two are in different VPCs and nothing joins them", a.Asked.Dst, a.Trace.To, a.To)
	case a.Open:
		if a.Trace.To == "" {
			if a.Hops[len(a.Hops)-1].Origin.Station == fabric.Router {
				return fmt.Sprintf("yes: the VPC itself answers %s", service(a.Asked))
			}
			if e := a.Hops[len(a.Hops)-1].Origin.Endpoint; e != "" {
				return fmt.Sprintf("yes: %s is answered by %s", service(a.Asked), e)
			}
			return fmt.Sprintf("yes: %s gets out to the public side", service(a.Asked))
		}
		return fmt.Sprintf("yes: %s reaches %s%s", service(a.Asked), a.Trace.To, a.onward())
	case len(a.Hops) == 0:
		return fmt.Sprintf("no: %s has no running instance behind it", a.From)
	}
	return "no: " + a.cause()
}

// cause says what closes the way.
func (t Trace) cause() string {
	h := t.Hops[len(t.Hops)-1]
	switch {
	case h.Reply && h.Origin.Station == fabric.Spoof:
		return "the answer does not come: " + h.refusal(h.Flow)
	case h.Reply:
		return "the answer is refused: " + h.refusal(h.Flow)
	}
	return h.refusal(h.Flow)
}

// onward says what is beyond an interface that forwards.
func (a Answer) onward() string {
	switch {
	case a.Onward == nil:
		return ""
	case !a.Onward.Open:
		return ", which forwards for others; sent on as it is, it is refused: " + a.Onward.cause()
	case a.Onward.To != "":
		return fmt.Sprintf(", which forwards for others; sent on as it is, it reaches %s", a.Onward.To)
	}
	return ", which forwards for others; sent on as it is, it gets out of the VPC"
}

// service is what a packet asks for: tcp/443 to 10.0.0.5.
func service(f fabric.Flow) string {
	return fmt.Sprintf("%s to %s", proto(f), f.Dst)
}

func proto(f fabric.Flow) string {
	switch f.Protocol {
	case world.TCP:
		return fmt.Sprintf("tcp/%d", f.DstPort)
	case world.UDP:
		return fmt.Sprintf("udp/%d", f.DstPort)
	case world.ICMP:
		return fmt.Sprintf("icmp type %d code %d", f.ICMP.Type, f.ICMP.Code)
	}
	return fmt.Sprintf("protocol %d", f.Protocol)
}

func (h Hop) groupsText() string {
	switch len(h.Groups) {
	case 0:
		return "it has no security group"
	case 1:
		return string(h.Groups[0]) + " has no"
	}
	ids := make([]string, len(h.Groups))
	for i, g := range h.Groups {
		ids[i] = string(g)
	}
	return strings.Join(ids, ", ") + " have no"
}

// refusal says why the hop did not let the packet pass.
func (h Hop) refusal(f fabric.Flow) string {
	switch h.Origin.Station {
	case Routing:
		return h.Service.Text()
	case fabric.Spoof:
		if h.Reply {
			return fmt.Sprintf("it goes to whose address %s is, not to %s", f.Dst, h.Origin.ENI)
		}
		return fmt.Sprintf("%s may not send from %s (source/destination check)", h.Origin.ENI, f.Src)
	case fabric.SGOut:
		return fmt.Sprintf("%s egress rule for %s to %s (on %s)", h.groupsText(), proto(f), f.Dst, h.Origin.ENI)
	case fabric.SGIn:
		return fmt.Sprintf("%s ingress rule for %s from %s (on %s)", h.groupsText(), proto(f), f.Src, h.Origin.ENI)
	case fabric.LinkIn:
		return fmt.Sprintf("%s ingress rule for %s from %s (on the VPC's service network association)", h.groupsText(), proto(f), f.Src)
	case fabric.NoRoute:
		return h.noRoute(f)
	case fabric.Listen:
		return h.notListening(f)
	case fabric.Router:
		return fmt.Sprintf("%s is the VPC's own, and does not answer %s", f.Dst, proto(f))
	case fabric.ACLOut:
		return h.aclRefusal(proto(f)+" to "+f.Dst.String(), "egress")
	case fabric.ACLIn:
		return h.aclRefusal(proto(f)+" from "+f.Src.String(), "ingress")
	case fabric.Internet:
		if !fabric.Routable(f.Dst) {
			return fmt.Sprintf("%s is not an address of the Internet, so the internet gateway carries nothing there", f.Dst)
		}
		return fmt.Sprintf("%s has no public address, so the internet gateway carries nothing for it", f.Src)
	case fabric.DestCheck:
		return fmt.Sprintf("%s does not take packets for %s (source/destination check)", h.Origin.ENI, f.Dst)
	}
	return "refused at " + h.Origin.String()
}

func (h Hop) aclRefusal(what, direction string) string {
	if h.Number == 0 {
		return fmt.Sprintf("no %s rule of %s, the network ACL of %s, allows %s", direction, h.ACL, h.Origin.Subnet, what)
	}
	return fmt.Sprintf("%s rule %d of %s, the network ACL of %s, denies %s", direction, h.Number, h.ACL, h.Origin.Subnet, what)
}

func (h Hop) noRoute(f fabric.Flow) string {
	switch {
	case fabric.ForEverybody(f.Dst):
		return fmt.Sprintf("%s is for everybody, and nothing here carries multicast and broadcast", f.Dst)
	case h.Table != "" && h.Prefix.IsValid():
		return fmt.Sprintf("the route %s of %s leads nowhere (blackhole)", h.Prefix, h.Table)
	case h.Table != "":
		return fmt.Sprintf("%s has no route to %s", h.Table, f.Dst)
	case h.Prefix == world.LatticeResources:
		return fmt.Sprintf("%s is no resource of the service network of %s", f.Dst, h.Origin.VPC)
	}
	return fmt.Sprintf("no running instance or ENI of %s has the address %s", h.Origin.VPC, f.Dst)
}

func (h Hop) notListening(f fabric.Flow) string {
	switch {
	case h.Front != nil:
		return h.noFront(f)
	case h.Origin.VPC == "":
		return fmt.Sprintf("AWS's services take no %s at %s: they listen at tcp/%d", proto(f), f.Dst, fabric.ServicePort)
	case h.Origin.Endpoint != "":
		return fmt.Sprintf("%s does not take %s at %s", h.Origin.Endpoint, proto(f), f.Dst)
	case h.Origin.Gateway == "":
		return fmt.Sprintf("%s is a NAT gateway's; nothing listens there", h.Origin.ENI)
	case h.Configuration == "":
		return fmt.Sprintf("%s serves no resource at %s", h.Origin.Gateway, f.Dst)
	case f.Protocol != world.TCP:
		return fmt.Sprintf("%s is a TCP resource; %s is not carried", h.Configuration, proto(f))
	}
	return fmt.Sprintf("%s does not serve %s, or its name has no address", h.Configuration, proto(f))
}

// At is the noun the hop belongs to.
func (h Hop) At() string {
	switch {
	case h.Origin.ENI != "":
		return string(h.Origin.ENI)
	case h.Origin.Subnet != "":
		return string(h.Origin.Subnet)
	case h.Configuration != "":
		return string(h.Configuration)
	case h.Table != "":
		return string(h.Table)
	case h.Origin.Gateway != "":
		return string(h.Origin.Gateway)
	case h.Origin.Endpoint != "":
		return string(h.Origin.Endpoint)
	}
	return string(h.Origin.VPC)
}

// By is the rule or route that decided, if one did.
func (h Hop) By() string {
	switch {
	case h.Rule != "":
		return string(h.Rule) + " of " + string(h.Group)
	case h.ACL != "":
		return fmt.Sprintf("rule %d of %s", h.Number, h.ACL)
	case h.Association != "":
		return string(h.Association)
	case h.Prefix.IsValid():
		return h.Prefix.String()
	}
	return ""
}

// Text says what happened at the hop.
func (h Hop) Text(f fabric.Flow) string {
	if !h.Pass {
		return h.refusal(f)
	}
	switch h.Origin.Station {
	case Routing:
		return h.Service.Text()
	case fabric.Spoof:
		if h.Reply {
			return fmt.Sprintf("it goes to whose address %s is, not to %s", f.Dst, h.Origin.ENI)
		}
		return "the source is the ENI's own"
	case fabric.NoRoute:
		return "routed by " + h.Prefix.String() + h.leads()
	case fabric.Listen:
		if h.Front != nil {
			return fmt.Sprintf("taken by %s, and sent on to a target of %s", h.Front.Listener, h.Front.Group)
		}
		if h.Origin.Endpoint != "" && h.Configuration == "" {
			return "answered by the service"
		}
		return "served, and sent on to the resource"
	case fabric.DestCheck:
		return "the destination is the ENI's own"
	case fabric.Internet:
		return "its address is translated to its public one"
	case fabric.Router:
		return "answered by the VPC's resolver or metadata service"
	case fabric.ACLOut, fabric.ACLIn:
		return "allowed by " + h.By()
	}
	if h.Rule == "" {
		return "no security group filters here"
	}
	return "allowed by " + h.By()
}

// Hint is what would let the packet pass the hop that refused it; empty when the answer is yes or nothing simple would.
func (a Answer) Hint() string {
	if a.Open || len(a.Hops) == 0 {
		return ""
	}
	h := a.Hops[len(a.Hops)-1]
	if len(h.Groups) == 0 {
		return ""
	}
	f := a.Trace.Flow
	ports := ""
	if f.Protocol.HasPorts() {
		ports = fmt.Sprintf(" --port %d", f.DstPort)
	}
	name := map[world.Protocol]string{world.TCP: "tcp", world.UDP: "udp", world.ICMP: "icmp"}[f.Protocol]
	verb, peer := "ingress", f.Src
	if h.Origin.Station == fabric.SGOut {
		verb, peer = "egress", f.Dst
	}
	return fmt.Sprintf("aws ec2 authorize-security-group-%s --group-id %s --protocol %s%s --cidr %s/32", verb, h.Groups[0], name, ports, peer)
}

// Step is a hop in words.
type Step struct {
	Station fabric.Station
	At, By  string
	Pass    bool
	Text    string
}

// leads says where a route leads when that is not a port.
func (h Hop) leads() string {
	switch {
	case h.Routed.Peering != nil:
		return " to " + string(h.Routed.Peering.ID)
	case h.Routed.Internet:
		return " to the internet gateway"
	case h.Routed.Point != nil:
		return " to " + string(h.Routed.Point.Endpoint)
	case h.Routed.Gate != nil:
		return " to " + string(h.Routed.Gate.Endpoint)
	}
	return ""
}

// Names is the step of a name that was resolved; it is no station of packets.
const Names fabric.Station = "names"

// Steps are the hops in words, each with the packet as it was there.
func (a Answer) Steps() []Step {
	var out []Step
	if a.Name != nil && a.Asked.Dst.IsValid() {
		out = append(out, a.Name.step())
	}
	for _, h := range a.Hops {
		text := h.Text(h.Flow)
		if h.Reply {
			text = "answer: " + text
		}
		out = append(out, Step{Station: h.Origin.Station, At: h.At(), By: h.By(), Pass: h.Pass, Text: text})
	}
	return out
}
