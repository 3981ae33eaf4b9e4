package querylog

import (
	"net/netip"
	"slices"
	"strconv"
	"time"

	"kumiko/internal/world"
)

// Query is what was asked of a resolver, with its answer.
type Query struct {
	Time     time.Time
	VPC      world.VPCID
	Endpoint world.ResolverEndpointID // the inbound endpoint it was asked at, if any
	From     netip.AddrPort
	TCP      bool
	Name     string // as it was asked, with a dot at the end
	Type     string // e.g. A
	Class    string // e.g. IN
	Rcode    string // e.g. NOERROR
	Answers  []Answer
}

// Answer is a record of an answer.
type Answer struct{ Data, Type, Class string }

// line is a record, with its members in AWS's order. (Route 53 Developer Guide, "Values that appear in Resolver query
// logs".)
type line struct {
	Version   string   `json:"version"`
	Account   string   `json:"account_id"`
	Region    string   `json:"region"`
	VPC       string   `json:"vpc_id"`
	Timestamp string   `json:"query_timestamp"`
	Name      string   `json:"query_name"`
	Type      string   `json:"query_type"`
	Class     string   `json:"query_class"`
	Rcode     string   `json:"rcode"`
	Answers   []answer `json:"answers"`
	Addr      string   `json:"srcaddr"`
	Port      string   `json:"srcport"`
	Transport string   `json:"transport"`
	Sources   sources  `json:"srcids"`
}

type answer struct {
	Data  string `json:"Rdata"`
	Type  string `json:"Type"`
	Class string `json:"Class"`
}

type sources struct {
	Instance string `json:"instance,omitempty"`
	Endpoint string `json:"resolver_endpoint,omitempty"`
}

func lineOf(w *world.World, q Query) line {
	row, _ := w.VPCs.Get(q.VPC)
	out := line{
		Version: "1.100000", Account: string(row.Account), Region: row.Region, VPC: string(q.VPC), Timestamp: q.Time.UTC().Format("2006-01-02T15:04:05Z"),
		Name: q.Name, Type: q.Type, Class: q.Class, Rcode: q.Rcode, Answers: []answer{},
		Addr: q.From.Addr().String(), Port: strconv.Itoa(int(q.From.Port())), Transport: "UDP", Sources: sources{Endpoint: string(q.Endpoint)},
	}
	if q.TCP {
		out.Transport = "TCP"
	}
	for _, a := range q.Answers {
		out.Answers = append(out.Answers, answer(a))
	}
	if q.Endpoint != "" {
		return out // it may be asked from another VPC
	}
	for e := range w.ENIs.In(string(q.VPC)) {
		if slices.Contains(e.Addrs, q.From.Addr()) {
			out.Sources.Instance = string(e.Attachment.Instance)
		}
	}
	return out
}
