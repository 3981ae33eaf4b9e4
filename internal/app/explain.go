package app

import (
	"fmt"
	"strconv"

	"kumiko/internal/cli/admin"
	"kumiko/internal/fabric"
	"kumiko/internal/reach"
	"kumiko/internal/world"
)

// explain answers an admin question from the fabric. The answer of reach is returned with it.
func explain(f *fabric.Fabric, q admin.Question) (admin.Explanation, reach.Answer, error) {
	proto, err := protocol(q.Protocol)
	if err != nil {
		return admin.Explanation{}, reach.Answer{}, err
	}
	if q.Port < 0 || q.Port > 65535 || (proto.HasPorts() && q.Port == 0) {
		return admin.Explanation{}, reach.Answer{}, fmt.Errorf("%w: say which port, from 1 to 65535, e.g. %s:443", admin.ErrUnusable, q.To)
	}
	a, err := reach.Ask(f, reach.Question{From: q.From, To: q.To, Protocol: proto, Port: uint16(q.Port), Path: q.Path})
	if err != nil {
		return admin.Explanation{}, reach.Answer{}, fmt.Errorf("%w: %w", admin.ErrUnusable, err)
	}
	out := admin.Explanation{Open: a.Reached(), Summary: a.Summary(), Hint: a.Hint()}
	if a.Asked.Dst.IsValid() { // a name may have no address
		out.Flow = a.Asked.String()
	}
	if !a.Open && len(a.Hops) > 0 {
		out.Refusal = a.Refused.String()
	}
	out.Name = named(a.Name)
	for _, s := range a.Steps() {
		out.Steps = append(out.Steps, admin.Step{Station: string(s.Station), At: s.At, By: s.By, OK: s.Pass, Text: s.Text})
	}
	return out, a, nil
}

// named tells how a name was resolved.
func named(n *reach.Name) *admin.Name {
	if n == nil {
		return nil
	}
	out := &admin.Name{Name: n.Asked, VPC: string(n.VPC), Text: n.Text(), Next: named(n.Next)}
	if n.Addr.IsValid() {
		out.Address = n.Addr.String()
	}
	for _, x := range n.Reply.Aliases {
		out.Aliases = append(out.Aliases, x.Record.Target)
	}
	if z := n.Reply.Zone; z != nil {
		out.Kind, out.Zone, out.ID = string(z.Kind), z.Name, z.ID
	}
	if r := n.Reply.Rule; r != nil {
		out.Rule = string(r.Rule)
	}
	if n.Target.IsValid() {
		out.Target = n.Target.String()
	}
	return out
}

// protocol reads a protocol's name or number.
func protocol(s string) (world.Protocol, error) {
	switch s {
	case "", "tcp":
		return world.TCP, nil
	case "udp":
		return world.UDP, nil
	case "icmp":
		return world.ICMP, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 255 {
		return 0, fmt.Errorf("%w: protocol %q is neither tcp, udp, icmp nor a number up to 255", admin.ErrUnusable, s)
	}
	return world.Protocol(n), nil
}
