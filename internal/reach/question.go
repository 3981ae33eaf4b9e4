package reach

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// ErrUnclear is wrapped by the errors of Ask for a question that names nothing, or more than one thing.
var ErrUnclear = errors.New("unclear")

// Question asks whether From can open a conversation with To.
type Question struct {
	From     string         // an instance id – it sends as its routes say –, an ENI id, or an address that only one ENI has
	To       string         // the same, or a DNS name as the sender's VPC resolves it
	Protocol world.Protocol // TCP, UDP or ICMP
	Port     uint16         // of TCP and UDP
	Path     string         // of a request to a service of Lattice; / if empty
}

// Answer is what Ask found.
type Answer struct {
	Trace
	Asked fabric.Flow // the first packet as the sender makes it
	Name  *Name       // how To was resolved, when it is a name
	// Stranger is set when the address asked for belongs, in the sender's VPC, to another ENI than the one meant.
	Stranger bool
	Onward   *Trace      // from an interface that forwards for others, which it reaches, if that sends it on as it is
	From, To world.ENIID // To is empty when the question named no ENI
}

// Reached tells whether the conversation reaches what the question meant.
func (a Answer) Reached() bool { return a.Open && !a.Stranger }

// clientPort is the source port of the packet that is traced; no rule looks at it.
const clientPort = 40000

// Ask answers a question from the fabric alone.
func Ask(f *fabric.Fabric, q Question) (Answer, error) {
	v, from, err := findSender(f, q.From)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{}
	dst, err := a.destination(f, v, q.To)
	if err != nil {
		return Answer{}, err
	}
	if from, err = leaving(f, q.From, from, dst); err != nil {
		return Answer{}, err
	}
	a.From = from.ENI
	a.Asked = fabric.Flow{Protocol: q.Protocol, Src: from.Addrs[0], Dst: dst}
	switch {
	case q.Protocol.HasPorts():
		a.Asked.SrcPort, a.Asked.DstPort = clientPort, q.Port
	case q.Protocol == world.ICMP:
		a.Asked.ICMP = world.ICMPMatch{Type: 8} // echo request, RFC 792
	}
	a.Trace.Flow = a.Asked
	if !dst.IsValid() {
		return a, nil // a name without an address: closed, no hops
	}
	if a.To != "" && a.To == a.From {
		a.Open, a.Trace.To = true, a.From // an instance reaches itself without leaving
		return a, nil
	}
	a.Trace = worst(waysOf(f, from.ENI, a.Asked, a.host(), q.path()))
	if on, ok := Onward(f, a.Trace, from.ENI); ok {
		a.Onward = &on
	}
	a.Stranger = a.Open && a.To != "" && a.Trace.To != a.To && a.Onward == nil
	return a, nil
}

// host is the name that was asked for; empty without one.
func (a *Answer) host() string {
	if a.Name == nil {
		return ""
	}
	return a.Name.Asked
}

// path is the path of the request that is asked for.
func (q Question) path() string {
	if q.Path == "" {
		return "/"
	}
	return q.Path
}

func (a *Answer) destination(f *fabric.Fabric, v *fabric.VPC, to string) (netip.Addr, error) {
	if addr, err := netip.ParseAddr(to); err == nil {
		if addr.Is6() {
			err = fmt.Errorf("%w: %s is an IPv6 address, and there is no IPv6 here", ErrUnclear, addr)
		}
		return addr, err
	}
	if strings.HasPrefix(to, "i-") || strings.HasPrefix(to, "eni-") {
		_, p, err := find(f, to)
		if err != nil {
			return netip.Addr{}, err
		}
		a.To = p.ENI
		return p.Addrs[0], nil
	}
	a.Name = lookUp(f, v, to, mostForwards)
	return a.Name.Addr, nil
}

func findSender(f *fabric.Fabric, id string) (*fabric.VPC, fabric.Port, error) {
	addr, err := netip.ParseAddr(id)
	if err != nil {
		return find(f, id)
	}
	var vpc *fabric.VPC
	var port fabric.Port
	for _, v := range f.VPCs {
		for _, p := range v.Ports {
			if !p.Holds(addr) {
				continue
			}
			if vpc != nil {
				return nil, port, fmt.Errorf("%w: %s is an address of %s in %s and of %s in %s: name the instance or the ENI", ErrUnclear, addr, port.ENI, vpc.ID, p.ENI, v.ID)
			}
			vpc, port = v, p
		}
	}
	if vpc == nil {
		return nil, port, fmt.Errorf("%w: no ENI has the address %s", ErrUnclear, addr)
	}
	return vpc, port, nil
}

// leaving is the port that an instance sends to an address by: the first in whose subnet it is, else its first of all.
func leaving(f *fabric.Fabric, id string, first fabric.Port, dst netip.Addr) (fabric.Port, error) {
	i := slices.IndexFunc(f.Hosts, func(h *fabric.Host) bool { return string(h.ID) == id })
	if i < 0 {
		return first, nil
	}
	for _, p := range f.Hosts[i].Ports {
		if netip.PrefixFrom(p.Addrs[0], p.Mask).Contains(dst) {
			_, out, err := find(f, string(p.ENI))
			return out, err
		}
	}
	return first, nil
}

// find is the port of an ENI, or the first port of an instance.
func find(f *fabric.Fabric, id string) (*fabric.VPC, fabric.Port, error) {
	for _, v := range f.VPCs {
		for _, p := range v.Ports {
			if string(p.ENI) == id || (string(p.Peer.Host) == id && p.Peer.Device == "eth0") {
				return v, p, nil
			}
		}
	}
	return nil, fabric.Port{}, fmt.Errorf("%w: nothing that runs is called %s", ErrUnclear, id)
}
