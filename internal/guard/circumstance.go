package guard

import (
	"strconv"

	"kumiko/internal/api"
	"kumiko/internal/world"
)

// circumstances are the condition keys that tell how and when a request came, and of the session it is made in.
// (IAM User Guide, "AWS global condition context keys".)
func (g *Guard) circumstances(w *world.World, c world.Caller, way api.Way) keys {
	now := g.config.Now()
	k := keys{}
	k.set("aws:CurrentTime", stamp(now))
	k.set("aws:EpochTime", strconv.FormatInt(now.Unix(), 10))
	k.set("aws:RequestedRegion", c.Region)
	k.set("aws:SecureTransport", strconv.FormatBool(way.Secure))
	k.set("aws:UserAgent", way.Agent)
	k.set("aws:PrincipalIsAWSService", "false")
	k.set("aws:ViaAWSService", "false")
	source := "aws:SourceIp"
	if way.Endpoint != "" {
		source = "aws:VpcSourceIp"
		k.set("aws:SourceVpce", string(way.Endpoint))
		k.set("aws:SourceVpc", string(way.VPC))
		if v, ok := w.VPCs.Get(way.VPC); ok {
			k.set("aws:SourceVpcArn", world.ARN("ec2", v.Region, v.Account, "vpc/"+string(v.ID)))
		}
		if e, ok := w.Endpoints.Get(way.Endpoint); ok {
			k.set("aws:VpceAccount", string(e.Account))
		}
	}
	if way.Source.IsValid() {
		k.set(source, way.Source.String())
	}
	if s := c.Session; s != nil {
		k.set("aws:TokenIssueTime", stamp(s.Issued))
		k.set("aws:MultiFactorAuthPresent", "false")
		k.set("aws:SourceIdentity", s.SourceIdentity)
		if i := s.Instance; i != nil {
			k.set("ec2:SourceInstanceARN", i.ARN)
			k.set("ec2:RoleDelivery", i.Delivery)
			k.set("aws:Ec2InstanceSourceVpc", string(i.VPC))
			k.set("aws:Ec2InstanceSourcePrivateIPv4", i.Addr)
		}
	}
	return k
}
