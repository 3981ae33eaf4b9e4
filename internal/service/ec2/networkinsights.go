package ec2

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// The nouns of Network Insights, which are also their types in tag specifications.
const (
	insightsPath     = "network-insights-path"
	insightsAnalysis = "network-insights-analysis"
)

// CreateNetworkInsightsPath keeps a question about two ends of the network.
func (s *Service) CreateNetworkInsightsPath(ctx context.Context, c world.Caller, in *ec2api.CreateNetworkInsightsPathInput) (*ec2api.CreateNetworkInsightsPathOutput, error) {
	p, err := readPath(c, in)
	if err != nil {
		return nil, err
	}
	ts, err := oneSpec(in.TagSpecifications, insightsPath)
	if err != nil {
		return nil, err
	}
	var id string
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		id, err = tokenCall{c, "CreateNetworkInsightsPath", in.ClientToken, in}.once(tx, func() (string, error) {
			if err := cmp.Or(endExists(tx, c, val(in.Source)), endExists(tx, c, val(in.Destination))); err != nil {
				return "", err
			}
			if len(mine(&tx.NetworkInsightsPaths, c)) >= maxInsightsPaths {
				return "", awserr.EC2Code("NetworkInsightsPathLimitExceeded", "You may have at most %d network insights paths.", maxInsightsPaths)
			}
			p.ID, p.Meta = world.NetworkInsightsPathID(tx.NewID("nip")), tx.NewMeta(c, ts)
			tx.NetworkInsightsPaths.Put(p)
			return string(p.ID), nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	made, ok := v.w.NetworkInsightsPaths.Get(world.NetworkInsightsPathID(id))
	if !ok {
		return nil, awserr.EC2NotFound(insightsPath, id)
	}
	return &ec2api.CreateNetworkInsightsPathOutput{NetworkInsightsPath: new(describePath(made))}, nil
}

// readPath checks what a path is made with.
func readPath(c world.Caller, in *ec2api.CreateNetworkInsightsPathInput) (world.NetworkInsightsPath, error) {
	var p world.NetworkInsightsPath
	var err error
	if err := need("Source", in.Source); err != nil {
		return p, err
	}
	if p.Source, err = insightsEnd(c, "Source", *in.Source); err != nil {
		return p, err
	}
	if val(in.Destination) != "" {
		if p.Destination, err = insightsEnd(c, "Destination", *in.Destination); err != nil {
			return p, err
		}
	}
	p.SourceAccount, p.DestinationAccount = arnAccount(*in.Source), arnAccount(val(in.Destination))
	switch val(in.Protocol) {
	case "tcp":
		p.Protocol = world.TCP
	case "udp":
		p.Protocol = world.UDP
	default:
		return p, awserr.EC2InvalidParameter("Protocol", val(in.Protocol), "Valid values are tcp and udp.")
	}
	filtered := in.FilterAtSource != nil || in.FilterAtDestination != nil
	if filtered && (in.DestinationPort != nil || in.SourceIp != nil || in.DestinationIp != nil) {
		return p, awserr.EC2Combination("The parameters SourceIp, DestinationIp and DestinationPort may not be used together with FilterAtSource or FilterAtDestination.")
	}
	if p.Port, err = insightsPort("DestinationPort", in.DestinationPort); err != nil {
		return p, err
	}
	if p.SourceIP, err = insightsAddr("SourceIp", in.SourceIp); err != nil {
		return p, err
	}
	if p.DestinationIP, err = insightsAddr("DestinationIp", in.DestinationIp); err != nil {
		return p, err
	}
	if p.AtSource, err = insightsFilter("FilterAtSource", in.FilterAtSource); err != nil {
		return p, err
	}
	if p.AtDestination, err = insightsFilter("FilterAtDestination", in.FilterAtDestination); err != nil {
		return p, err
	}
	if p.Destination == "" && !p.DestinationIP.IsValid() && (p.AtSource == nil || !p.AtSource.Destination.IsValid()) {
		return p, awserr.EC2MissingParameter("Destination")
	}
	return p, nil
}

func insightsAddr(parameter string, given *string) (netip.Addr, error) {
	if val(given) == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(*given)
	if err != nil || !a.Is4() {
		return a, awserr.EC2InvalidParameter(parameter, *given, "This is not a valid IPv4 address.")
	}
	return a, nil
}

func insightsPort(parameter string, given *int32) (*uint16, error) {
	if given == nil {
		return nil, nil
	}
	if *given < 0 || *given > 65535 {
		return nil, awserr.EC2InvalidParameter(parameter, fmt.Sprint(*given), "Ports are 0 to 65535.")
	}
	return new(uint16(*given)), nil
}

func insightsFilter(parameter string, f *ec2api.PathRequestFilter) (*world.PacketFilter, error) {
	if f == nil {
		return nil, nil
	}
	var out world.PacketFilter
	var err error
	if out.Source, err = insightsAddr(parameter+".SourceAddress", f.SourceAddress); err != nil {
		return nil, err
	}
	if out.Destination, err = insightsAddr(parameter+".DestinationAddress", f.DestinationAddress); err != nil {
		return nil, err
	}
	if out.SourcePorts, err = insightsRange(parameter+".SourcePortRange", f.SourcePortRange); err != nil {
		return nil, err
	}
	out.DestinationPorts, err = insightsRange(parameter+".DestinationPortRange", f.DestinationPortRange)
	return &out, err
}

func insightsRange(parameter string, r *ec2api.RequestFilterPortRange) (*world.PortRange, error) {
	if r == nil {
		return nil, nil
	}
	from, err := insightsPort(parameter+".FromPort", r.FromPort)
	if err != nil {
		return nil, err
	}
	to, err := insightsPort(parameter+".ToPort", r.ToPort)
	if err != nil {
		return nil, err
	}
	if from == nil || to == nil {
		return nil, awserr.EC2MissingParameter(parameter)
	}
	if *from > *to {
		return nil, awserr.EC2InvalidParameter(parameter, fmt.Sprintf("%d-%d", *from, *to), "The first port is higher than the last one.")
	}
	return &world.PortRange{From: *from, To: *to}, nil
}

// DeleteNetworkInsightsPath forgets a path that has no analyses.
func (s *Service) DeleteNetworkInsightsPath(ctx context.Context, c world.Caller, in *ec2api.DeleteNetworkInsightsPathInput) (*ec2api.DeleteNetworkInsightsPathOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		p, err := find(&tx.NetworkInsightsPaths, c, insightsPath, in.NetworkInsightsPathId)
		if err != nil {
			return err
		}
		for range tx.NetworkInsightsAnalyses.In(string(p.ID)) {
			return awserr.EC2Code("AnalysisExistsForNetworkInsightsPath", "Analysis exists for NetworkInsightsPath %s", p.ID)
		}
		tx.NetworkInsightsPaths.Delete(p.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.DeleteNetworkInsightsPathOutput{NetworkInsightsPathId: in.NetworkInsightsPathId}, nil
}

// DescribeNetworkInsightsPaths lists the caller's paths.
func (s *Service) DescribeNetworkInsightsPaths(_ context.Context, c world.Caller, in *ec2api.DescribeNetworkInsightsPathsInput) (*ec2api.DescribeNetworkInsightsPathsOutput, error) {
	v := s.look(c)
	page, next, err := list(query{insightsPath, in.NetworkInsightsPathIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun},
		mine(&v.w.NetworkInsightsPaths, c), pathFilters(), listing.EC2(1, 100))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeNetworkInsightsPathsOutput{NetworkInsightsPaths: each(page, describePath), NextToken: next}, nil
}

func pathFilters() listing.Filters[world.NetworkInsightsPath] {
	type path = world.NetworkInsightsPath
	fields := map[string]func(path) []string{
		"source":      one(func(p path) string { return p.Source }),
		"destination": one(func(p path) string { return p.Destination }),
		"protocol":    one(func(p path) string { return protocolWord(p.Protocol) }),
	}
	for at, of := range map[string]func(path) *world.PacketFilter{
		"filter-at-source": func(p path) *world.PacketFilter { return p.AtSource }, "filter-at-destination": func(p path) *world.PacketFilter { return p.AtDestination },
	} {
		field := func(value func(world.PacketFilter) string) func(path) []string {
			return func(p path) []string {
				if f := of(p); f != nil && value(*f) != "" {
					return []string{value(*f)}
				}
				return nil
			}
		}
		fields[at+".source-address"] = field(func(f world.PacketFilter) string { return addrText(f.Source) })
		fields[at+".destination-address"] = field(func(f world.PacketFilter) string { return addrText(f.Destination) })
		fields[at+".source-port-range"] = field(func(f world.PacketFilter) string { return rangeText(f.SourcePorts) })
		fields[at+".destination-port-range"] = field(func(f world.PacketFilter) string { return rangeText(f.DestinationPorts) })
	}
	return listing.Filters[path]{Fields: fields, Tags: ownTags(func(p path) world.Meta { return p.Meta })}
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func rangeText(r *world.PortRange) string {
	switch {
	case r == nil:
		return ""
	case r.From == r.To:
		return fmt.Sprint(r.From)
	}
	return fmt.Sprintf("%d-%d", r.From, r.To)
}

func protocolWord(p world.Protocol) string {
	if p == world.UDP {
		return "udp"
	}
	return "tcp"
}

func describePath(p world.NetworkInsightsPath) ec2api.NetworkInsightsPath {
	out := ec2api.NetworkInsightsPath{
		NetworkInsightsPathId: new(string(p.ID)), NetworkInsightsPathArn: new(insightsARN(p.Meta, insightsPath, string(p.ID))), CreatedDate: new(p.Created),
		Source: new(p.Source), SourceArn: new(endARN(p.Meta, p.SourceAccount, p.Source)), Protocol: new(protocolWord(p.Protocol)),
		FilterAtSource: describeFilter(p.AtSource), FilterAtDestination: describeFilter(p.AtDestination), Tags: allTags(p.Meta),
	}
	if p.Destination != "" {
		out.Destination, out.DestinationArn = new(p.Destination), new(endARN(p.Meta, p.DestinationAccount, p.Destination))
	}
	if p.SourceIP.IsValid() {
		out.SourceIp = new(p.SourceIP.String())
	}
	if p.DestinationIP.IsValid() {
		out.DestinationIp = new(p.DestinationIP.String())
	}
	if p.Port != nil {
		out.DestinationPort = new(int32(*p.Port))
	}
	return out
}

// resourceKind is the word ARNs have for the kind of an id.
func resourceKind(id string) string {
	prefix, _, _ := strings.Cut(id, "-")
	return map[string]string{"i": "instance", "eni": "network-interface", "igw": "internet-gateway", "vpce": "vpc-endpoint"}[prefix]
}

func describeFilter(f *world.PacketFilter) *ec2api.PathFilter {
	if f == nil {
		return nil
	}
	out := &ec2api.PathFilter{SourcePortRange: filterRange(f.SourcePorts), DestinationPortRange: filterRange(f.DestinationPorts)}
	if f.Source.IsValid() {
		out.SourceAddress = new(f.Source.String())
	}
	if f.Destination.IsValid() {
		out.DestinationAddress = new(f.Destination.String())
	}
	return out
}

func filterRange(r *world.PortRange) *ec2api.FilterPortRange {
	if r == nil {
		return nil
	}
	return &ec2api.FilterPortRange{FromPort: new(int32(r.From)), ToPort: new(int32(r.To))}
}
