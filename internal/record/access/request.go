package access

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"kumiko/internal/record"
	"kumiko/internal/world"
)

// Request is a request to a service of VPC Lattice that was answered.
type Request struct {
	Start, End           time.Time
	ID                   string
	Network              world.ServiceNetworkID
	NetworkARN           string
	Service, TargetGroup string // ARNs; the group is empty when no target was asked
	Listener             world.LatticeListenerID
	Source, Destination  world.VPCID    // of the client and of the target
	SourceARN            string         // of the client's VPC
	Client, Target       netip.AddrPort // the target is not valid when none was asked

	Host, Method, Path, Agent, Protocol string
	Status                              int
	Received, Sent                      int64         // bytes of bodies
	ToTarget, FromTarget                time.Duration // until the target had the request, and from then until it began to answer
	Failure                             string        // why no target answered, in AWS's words
}

// requestLine is a record, with the members AWS documents. What there is none of is "-". (VPC Lattice User Guide, "Access log contents".)
type requestLine struct {
	StartTime        string `json:"startTime"`
	RequestID        string `json:"requestId"`
	Network          string `json:"serviceNetworkArn"`
	Service          string `json:"serviceArn"`
	TargetGroup      string `json:"targetGroupArn"`
	ListenerID       string `json:"listenerId"`
	ListenerType     string `json:"listenerType"`
	SourceVPCARN     string `json:"sourceVpcArn"`
	SourceVPC        string `json:"sourceVpcId"`
	DestinationVPC   string `json:"destinationVpcId"`
	SourceIPPort     string `json:"sourceIpPort"`
	TargetIPPort     string `json:"targetIpPort"`
	Host             string `json:"hostHeader"`
	Method           string `json:"requestMethod"`
	Path             string `json:"requestPath"`
	UserAgent        string `json:"userAgent"`
	Protocol         string `json:"protocol"`
	TLSVersion       string `json:"tlsVersion"`
	TLSCipher        string `json:"sslCipher"`
	ServerName       string `json:"serverNameIndication"`
	ResponseCode     int    `json:"responseCode"`
	BytesReceived    int64  `json:"bytesReceived"`
	BytesSent        int64  `json:"bytesSent"`
	Duration         int64  `json:"duration"`
	ToTarget         int64  `json:"requestToTargetDuration"`
	FromTarget       int64  `json:"responseFromTargetDuration"`
	GRPCResponseCode string `json:"grpcResponseCode"`
	ResolvedUser     string `json:"resolvedUser"`
	AuthDeniedReason string `json:"authDeniedReason"`
	Principal        string `json:"callerPrincipal"`
	FailureReason    string `json:"failureReason"`
}

// requestPrefix is what the names of the streams begin with, before the id of the network.
const requestPrefix = "/aws/vpc-lattice/access-logs/"

func (r Request) render(x *index, lines map[target][]record.Event) error {
	group, ok := x.requests[r.Network]
	if !ok {
		return nil
	}
	or := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	l := requestLine{
		StartTime: r.Start.UTC().Format(time.RFC3339), RequestID: or(r.ID), Network: r.NetworkARN, Service: r.Service, TargetGroup: or(r.TargetGroup),
		ListenerID: string(r.Listener), ListenerType: "HTTP", SourceVPCARN: r.SourceARN, SourceVPC: string(r.Source), DestinationVPC: or(string(r.Destination)),
		SourceIPPort: r.Client.String(), TargetIPPort: "-", Host: or(r.Host), Method: r.Method, Path: r.Path, UserAgent: or(r.Agent), Protocol: r.Protocol,
		TLSVersion: "-", TLSCipher: "-", ServerName: "-", ResponseCode: r.Status, BytesReceived: r.Received, BytesSent: r.Sent,
		Duration: r.End.Sub(r.Start).Milliseconds(), ToTarget: r.ToTarget.Milliseconds(), FromTarget: r.FromTarget.Milliseconds(),
		GRPCResponseCode: "-", ResolvedUser: "-", AuthDeniedReason: "-", Principal: "-", FailureReason: or(r.Failure),
	}
	if r.Target.IsValid() {
		l.TargetIPPort = r.Target.String()
	}
	raw, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("access: encode record: %w", err)
	}
	t := target{group, requestPrefix + string(r.Network)}
	lines[t] = append(lines[t], record.Event{Time: r.Start.UnixMilli(), Message: string(raw)})
	return nil
}
