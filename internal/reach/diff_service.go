package reach

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// services compares how an interface reaches the services of AWS that the VPC has an answer of its own for, before or
// after: by their names, as it would resolve them.
func (d *difference) services(from Party) {
	for _, name := range d.serviceNames(from.VPC) {
		d.out.Compared++
		was, is := d.ask(0, from, name), d.ask(1, from, name)
		if was.open == is.open {
			continue
		}
		s := shift(was, is)
		s.From, s.To, s.Protocol = from, Party{ID: name}, world.TCP
		s.Ports = world.PortRange{From: fabric.ServicePort, To: fabric.ServicePort}
		d.out.Shifts = append(d.out.Shifts, s)
	}
}

// serviceNames are the public names of services that zones of the VPC cover, or that it has a gateway endpoint for.
func (d *difference) serviceNames(id world.VPCID) []string {
	names := map[string]bool{}
	for _, f := range d.f {
		v := f.VPC(id)
		if v == nil {
			continue
		}
		for _, z := range v.View.Own {
			if _, _, ok := world.FindPublicName(z.Name); ok {
				names[z.Name] = true
			}
		}
		for _, g := range v.Gates {
			if e := f.Endpoint(g.Endpoint); e != nil {
				s, region, _ := world.FindAWSService(e.Service)
				names[s.PublicName(region)] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// ask follows a conversation with each address a name has in one of the fabrics; it can be had when it can with all.
func (d *difference) ask(which int, from Party, name string) outcome {
	f := d.f[which]
	v, port, ok := f.Port(from.ENI)
	if !ok || !port.Peer.Attached() {
		return outcome{cause: from.ID + " does not run"}
	}
	n := lookUp(f, v, name, mostForwards)
	if n.Reply.Outcome != fabric.Answered {
		return outcome{cause: n.Text()}
	}
	var out outcome
	for _, rec := range n.Reply.Records {
		flow := fabric.Flow{Protocol: world.TCP, Src: from.Addr, Dst: rec.Addr, SrcPort: clientPort, DstPort: fabric.ServicePort}
		t := From(f, from.ENI, flow)
		a := Answer{Trace: t, Asked: flow, From: from.ENI}
		out = outcome{open: t.Open, origin: t.Refused, hops: t.Hops, cause: strings.TrimPrefix(a.Summary(), "no: ")}
		if !t.Open {
			out.cause = fmt.Sprintf("%s is %s (%s), and %s", name, rec.Addr, source(n.Reply), out.cause)
			break
		}
	}
	return out
}
