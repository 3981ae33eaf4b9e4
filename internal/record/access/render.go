package access

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"kumiko/internal/record"
	"kumiko/internal/world"
)

// line is a record, with its members in AWS's order. (VPC Lattice User Guide, "Resource access log contents".)
type line struct {
	EventTimestamp  string `json:"eventTimestamp"`
	NetworkARN      string `json:"serviceNetworkArn,omitempty"`
	Association     string `json:"serviceNetworkResourceAssociationId,omitempty"`
	VPCEndpoint     string `json:"vpcEndpointId,omitempty"`
	SourceVPC       string `json:"sourceVpcArn"`
	Configuration   string `json:"resourceConfigurationArn"`
	Protocol        string `json:"protocol"`
	SourceIPPort    string `json:"sourceIpPort"`
	DestinationPort string `json:"destinationIpPort"`
	GatewayIPPort   string `json:"gatewayIpPort,omitempty"`
	ResourceIPPort  string `json:"resourceIpPort,omitempty"`
}

// streamPrefix is what the names of the streams begin with, before the id of the network or configuration.
const streamPrefix = "/aws/vpc-lattice/resource-access-logs/"

// index finds what a connection belongs to, in one revision of the World.
type index struct {
	rev       uint64
	w         world.World
	resources map[netip.Addr]resource
	consumers map[uint16]consumer
	networks  map[world.ServiceNetworkID]string        // to the key of the log group of type RESOURCE
	configs   map[world.ResourceConfigurationID]string // to the key of the log group
	requests  map[world.ServiceNetworkID]string        // to the key of the log group of type SERVICE
}

// resource is what listens at an address: by an association with a service network, or by itself.
type resource struct {
	association   world.ResourceAssociationID
	network       world.ServiceNetworkID
	configuration world.ResourceConfigurationID
}

// consumer is where connections come from: a VPC, or an endpoint in it, which has addresses of its own for resources.
type consumer struct {
	vpc       world.VPCID
	endpoint  world.EndpointID
	resources map[netip.Addr]resource
}

func newIndex(w world.World) *index {
	x := &index{
		rev: w.Rev, w: w, resources: map[netip.Addr]resource{}, consumers: map[uint16]consumer{},
		networks: map[world.ServiceNetworkID]string{}, configs: map[world.ResourceConfigurationID]string{},
		requests: map[world.ServiceNetworkID]string{},
	}
	for a := range w.ResourceAssociations.All() {
		if a.Addr.IsValid() {
			x.resources[a.Addr] = resource{a.ID, a.Network, a.Configuration}
		}
	}
	for a := range w.VPCAssociations.All() {
		x.consumers[a.Index] = consumer{vpc: a.VPC, resources: x.resources}
	}
	for e := range w.Endpoints.All() {
		if e.Lattice() {
			x.consumers[e.Index] = consumer{vpc: e.VPC, endpoint: e.ID, resources: x.behind(e)}
		}
	}
	for s := range w.AccessLogSubscriptions.All() {
		group, ok := world.LogGroupOfARN(s.Destination)
		switch {
		case !ok || !w.LogGroups.Has(group):
		case s.Configuration != "":
			x.configs[s.Configuration] = group
		case s.LogType == "RESOURCE":
			x.networks[s.Network] = group
		case s.LogType == "SERVICE":
			x.requests[s.Network] = group
		}
	}
	return x
}

// behind are the resources at the addresses of an endpoint.
func (x *index) behind(e world.Endpoint) map[netip.Addr]resource {
	out := map[netip.Addr]resource{}
	for a := range x.w.EndpointAssociations.In(string(e.ID)) {
		for _, addr := range a.Addrs {
			out[addr] = resource{a.Resource, e.Network, a.Configuration}
		}
	}
	return out
}

// render adds the connection's records to the lines of the streams they belong to.
func (c Connection) render(x *index, lines map[target][]record.Event) error {
	from := x.consumers[c.Consumer]
	a, ok := from.resources[c.Dest.Addr().Unmap()]
	network, hasNetwork := x.networks[a.network]
	config, hasConfig := x.configs[a.configuration]
	if !ok || !hasNetwork && !hasConfig {
		return nil
	}
	l := x.line(c, a, from)
	add := func(group, id string) error {
		raw, err := json.Marshal(l)
		if err != nil {
			return fmt.Errorf("access: encode record: %w", err)
		}
		t := target{group, streamPrefix + id}
		lines[t] = append(lines[t], record.Event{Time: c.Time.UnixMilli(), Message: string(raw)})
		return nil
	}
	if hasNetwork {
		if err := add(network, string(a.network)); err != nil {
			return err
		}
	}
	if hasConfig {
		l.GatewayIPPort, l.ResourceIPPort = c.From.String(), c.Target.String()
		return add(config, string(a.configuration))
	}
	return nil
}

func (x *index) line(c Connection, a resource, from consumer) line {
	config, _ := x.w.ResourceConfigurations.Get(a.configuration)
	vpc, _ := x.w.VPCs.Get(from.vpc)
	l := line{
		EventTimestamp:  c.Time.UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.000Z"),
		Association:     string(a.association),
		VPCEndpoint:     string(from.endpoint),
		SourceVPC:       world.ARN("ec2", vpc.Region, vpc.Account, "vpc/"+string(vpc.ID)),
		Configuration:   world.ARN("vpc-lattice", config.Region, config.Account, "resourceconfiguration/"+string(config.ID)),
		Protocol:        "tcp",
		SourceIPPort:    c.Client.String(),
		DestinationPort: c.Dest.String(),
	}
	if network, ok := x.w.ServiceNetworks.Get(a.network); ok {
		l.NetworkARN = world.ARN("vpc-lattice", network.Region, network.Account, "servicenetwork/"+string(network.ID))
	}
	return l
}
