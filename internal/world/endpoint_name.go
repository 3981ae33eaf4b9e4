package world

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"net/netip"
	"strings"
)

// EndpointDomain is the public domain of the names of VPC endpoints. (AWS PrivateLink Guide, "Manage DNS names".)
const EndpointDomain = "vpce.amazonaws.com"

// EndpointName is a name of a VPC endpoint, with what it answers.
type EndpointName struct {
	Name    string // lower case; may begin with "*."
	Zone    string // id of its hosted zone
	Private bool   // known in the endpoint's VPC only
	Addrs   []netip.Addr
}

// EndpointNames are the names of an interface endpoint in AWS's order: the regional one, one for each zone, then the
// private ones. An endpoint without subnets has none.
func (w *World) EndpointNames(e Endpoint) []EndpointName {
	s, region, ok := FindAWSService(e.Service)
	base, star := s.Base(region), ""
	if own, found := w.ServiceNamed(e.Service); found {
		base, region, ok = own.Base(), own.Region, true
	}
	if !ok || e.Type != EndpointInterface || len(e.Subnets) == 0 {
		return nil
	}
	if s.Gateway {
		star = "*."
	}
	out := w.publicNames(e, star+string(e.ID)+"-"+e.Label, base, EndpointZone(region))
	if e.PrivateDNS {
		for _, p := range s.PrivateNames(region) {
			out = append(out, EndpointName{Name: p, Zone: hostedZone(string(e.ID) + "/" + p), Private: true, Addrs: out[0].Addrs})
		}
	}
	return out
}

// publicNames are the regional and the zonal names of an endpoint.
func (w *World) publicNames(e Endpoint, first, base, zone string) []EndpointName {
	in := map[SubnetID]netip.Addr{}
	for _, n := range w.ENIsOfEndpoint(e.ID) {
		in[n.Subnet] = n.Addr()
	}
	regional := EndpointName{Name: first + "." + base, Zone: zone}
	var zonal []EndpointName
	for _, id := range e.Subnets {
		n, _ := w.Subnets.Get(id)
		regional.Addrs = append(regional.Addrs, in[id])
		zonal = append(zonal, EndpointName{Name: first + "-" + n.Zone + "." + base, Zone: zone, Addrs: []netip.Addr{in[id]}})
	}
	return append([]EndpointName{regional}, zonal...)
}

// Base is what the names of the service's endpoints in a region end in.
func (s AWSService) Base(region string) string {
	return strings.TrimSuffix(s.PublicName(region), ".amazonaws.com") + "." + EndpointDomain
}

// PrivateNames are the names an interface endpoint answers for in its VPC, when it does.
func (s AWSService) PrivateNames(region string) []string {
	if s.Gateway {
		return []string{"*." + s.PublicName(region), s.PublicName(region)}
	}
	return []string{s.PublicName(region)}
}

// EndpointZone is the id of the hosted zone of the public names of endpoints in a region. (AWS General Reference.)
func EndpointZone(region string) string {
	known := map[string]string{"us-east-1": "Z7HUB22UULQXV", "us-east-2": "ZC8PG0KIFKBRI", "ap-northeast-1": "Z2E726K9Y6RL4W"}
	if id, ok := known[region]; ok {
		return id
	}
	return hostedZone(region + "." + EndpointDomain)[:14]
}

// Derived is a text of n hexadecimal digits that belongs to a key.
func Derived(key string, n int) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])[:n]
}

// hostedZone derives the id of a hosted zone that AWS owns.
func hostedZone(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "Z" + base32.StdEncoding.EncodeToString(sum[:])[:20]
}
