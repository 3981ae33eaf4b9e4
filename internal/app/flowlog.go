package app

import (
	"net/netip"

	"kumiko/internal/driver/flow"
	"kumiko/internal/record/flowlog"
	"kumiko/internal/world"
)

// counted shows the flow driver as flow logs want to see it.
type counted struct{ *flow.Driver }

// Traffic is what passed in a VPC since the last call.
func (c counted) Traffic(v world.VPCID) ([]flowlog.Traffic, uint64, error) {
	passed, lost, err := c.Driver.Traffic(v)
	out := make([]flowlog.Traffic, len(passed))
	for i, t := range passed {
		out[i] = flowlog.Traffic{
			VPC: t.VPC, Protocol: t.Protocol, Sender: t.Sender, Receiver: t.Receiver, Src: t.Src, Dst: t.Dst, Target: t.Target,
			Sent: flowlog.Passed(t.Sent), Answered: flowlog.Passed(t.Answered), Start: t.Start, End: t.End,
			Way: way(t.Way), Peering: t.Peering, Forwarded: t.Forwarded,
		}
	}
	return out, lost, err
}

func way(w flow.Way) flowlog.Way {
	switch w {
	case flow.WayInside:
		return flowlog.Inside
	case flow.WayInternet:
		return flowlog.Internet
	case flow.WayPeering:
		return flowlog.Peering
	case flow.WayEndpoint:
		return flowlog.Endpoint
	}
	return flowlog.Elsewhere
}

// refused is a refusal as flow logs want to see it.
func refused(r flow.Refusal) flowlog.Refusal {
	return flowlog.Refusal{
		Time: r.Time, VPC: world.VPCID(r.Scope), Station: r.Origin.Station, Sender: r.Sender, Receiver: r.Receiver, Protocol: r.Flow.Protocol,
		Src: netip.AddrPortFrom(r.Flow.Src, r.Flow.SrcPort), Dst: netip.AddrPortFrom(r.Flow.Dst, r.Flow.DstPort), Bytes: r.Length, Flags: r.Flags,
		Third: r.Third,
	}
}
