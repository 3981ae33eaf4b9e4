package reach

import (
	"fmt"
	"net/netip"
	"strings"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// Name is how a name was resolved: what the resolver of a VPC says, and, where a rule has it ask elsewhere, what comes
// of that.
type Name struct {
	Asked string
	VPC   world.VPCID // whose resolver was asked
	Reply fabric.Reply
	Addr  netip.Addr // what the name is; invalid: it has no address, or none that is known
	// Of a reply that is asked for elsewhere: the target, the way to it, and what is said there. Next is nil when the
	// target is not reached, or answers by itself.
	Target netip.AddrPort
	Way    Trace
	Next   *Name
}

// mostForwards is how often a question is followed from one VPC to the next.
const mostForwards = 4

// lookUp asks the resolver of v for the address of a name, and follows the question to where rules send it.
func lookUp(f *fabric.Fabric, v *fabric.VPC, name string, left int) *Name {
	addr, reply := fabric.Resolve(v, name)
	n := &Name{Asked: strings.TrimSuffix(name, "."), VPC: v.ID, Reply: reply, Addr: addr}
	if reply.Outcome != fabric.Forwarded || left == 0 {
		return n
	}
	from, ok := sender(f, reply.Rule.Endpoint)
	if !ok {
		return n
	}
	for _, t := range reply.Rule.Targets {
		n.Target = t
		n.Way = From(f, from.ENI, fabric.Flow{Protocol: world.UDP, Src: from.Addrs[0], SrcPort: clientPort, Dst: t.Addr(), DstPort: t.Port()})
		if !n.Way.Open {
			continue
		}
		to, port, _ := f.Port(n.Way.To)
		if e := f.Resolver(port.Peer.Resolver); e != nil && !e.Outbound && t.Port() == 53 {
			n.Next = lookUp(f, to, reply.Name, left-1)
			n.Addr = n.Next.Addr
		}
		return n
	}
	return n
}

// sender is an interface of an outbound endpoint.
func sender(f *fabric.Fabric, id world.ResolverEndpointID) (fabric.Port, bool) {
	e := f.Resolver(id)
	if e == nil {
		return fabric.Port{}, false
	}
	for _, p := range f.VPC(e.VPC).Ports {
		if p.Peer.Resolver == id {
			return p, true
		}
	}
	return fabric.Port{}, false
}

// Text says how the name was resolved, or why it was not.
func (n *Name) Text() string {
	said := n.verdict()
	if a := n.Reply.Aliases; len(a) > 0 {
		var chain []string
		for _, x := range a {
			chain = append(chain, x.Record.Target)
		}
		return fmt.Sprintf("%s is an alias of %s; %s", n.Asked, strings.Join(chain, ", then of "), said)
	}
	return said
}

func (n *Name) verdict() string {
	r := n.Reply
	name := strings.TrimSuffix(r.Name, ".")
	switch r.Outcome {
	case fabric.Refused:
		return "the VPC's resolver is off (enableDnsSupport is false)"
	case fabric.Failed:
		return n.Asked + " is an alias of itself, or of too many others"
	case fabric.Forwarded:
		return n.forwarded()
	case fabric.Answered:
		return fmt.Sprintf("%s is %s, says %s", name, n.Addr, source(r))
	case fabric.NoData:
		return fmt.Sprintf("%s has no address, says %s", name, source(r))
	}
	if r.Zone == nil || r.Zone.Name == "" {
		return fmt.Sprintf("no zone, rule or endpoint of %s covers %s, and the Internet has no such name", n.VPC, name)
	}
	return fmt.Sprintf("%s does not exist, says %s", name, source(r))
}

// step is the resolving of a name that has an address.
func (n *Name) step() Step {
	out := Step{Station: Names, Pass: true, Text: n.Text()}
	switch r := n.Reply; {
	case r.Zone != nil:
		out.At, out.By = r.Zone.Name, r.Zone.ID
	case r.Rule != nil:
		out.At, out.By = string(r.Rule.Endpoint), string(r.Rule.Rule)
	}
	return out
}

// nameless says why a name has no address, as far as its own VPC knows.
func nameless(r fabric.Reply) string {
	if r.Outcome == fabric.Forwarded {
		return fmt.Sprintf("%s is asked for elsewhere, by rule %s", r.Name, r.Rule.Rule)
	}
	return (&Name{Asked: r.Name, VPC: "the VPC", Reply: r}).verdict()
}

// source says which zone decided.
func source(r fabric.Reply) string {
	z := r.Zone
	out := string(z.Kind)
	if z.ID != "" {
		out += " " + z.ID
	}
	out += " (" + z.Name + ")"
	if r.Rule != nil {
		out += fmt.Sprintf(", which rule %s for %s leaves it to", r.Rule.Rule, r.Rule.Domain)
	}
	return out
}

// forwarded says what became of a question that is asked elsewhere.
func (n *Name) forwarded() string {
	rule := n.Reply.Rule
	out := fmt.Sprintf("rule %s for %s. has %s ask for %s", rule.Rule, rule.Domain, rule.Endpoint, n.Reply.Name)
	switch {
	case !n.Target.IsValid():
		return out + ", which has no interface to ask from"
	case n.Next != nil:
		return fmt.Sprintf("%s at %s, in %s: %s", out, n.Target, n.Next.VPC, n.Next.Text())
	case n.Way.Open && n.Way.To != "":
		return fmt.Sprintf("%s at %s, which is %s: what that says cannot be told", out, n.Target, n.Way.To)
	case n.Way.Open:
		return fmt.Sprintf("%s at %s: what that says cannot be told", out, n.Target)
	}
	why := "there is no way"
	if h := n.Way.Hops; len(h) > 0 {
		why = h[len(h)-1].refusal(h[len(h)-1].Flow)
	}
	return fmt.Sprintf("%s at %s, which is not reached: %s", out, n.Target, why)
}
