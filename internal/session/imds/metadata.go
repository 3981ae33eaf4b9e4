package imds

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"kumiko/internal/world"
)

// latest is the name of the newest version.
const latest = "latest"

// versions are the dated versions of the metadata; all of them have the same contents here.
// (Amazon EC2 User Guide, "Get the available versions of the instance metadata".)
const versions = `1.0 2007-01-19 2007-03-01 2007-08-29 2007-10-10 2007-12-15 2008-02-01 2008-09-01 2009-04-04 2011-01-01 2011-05-01
	2012-01-12 2014-02-25 2014-11-05 2015-10-20 2016-04-19 2016-06-30 2016-09-02 2018-03-28 2018-08-17 2018-09-24 2019-10-01
	2020-10-27 2021-01-03 2021-03-23 2021-07-15 2022-09-24`

func isVersion(name string) bool {
	return name == latest || slices.Contains(strings.Fields(versions), name)
}

// tree is all that the instance may read. (Amazon EC2 User Guide, "Instance metadata categories".)
func (s *server) tree(v *view, i world.Instance, asked http.Header) *node {
	role, hasRole := s.cfg.Role(i)
	enis := v.enisOf(i.ID)
	content := folder(latest,
		folder("dynamic",
			folder("fws", text("instance-monitoring", enabled(i.Monitoring))),
			folder("instance-identity", document(v, i, enis))),
		metaData(v, i, enis, s.iam(i, role, hasRole, asked)),
		userData(i))
	for _, k := range content.kids {
		k.label = k.name // these folders are listed without a slash
	}
	root := []*node{content}
	for _, name := range strings.Fields(versions) {
		root = append(root, &node{name: name, kids: content.kids})
	}
	for _, k := range root {
		k.label = k.name
	}
	return folder("", root...)
}

func enabled(on bool) string {
	if on {
		return "enabled"
	}
	return "disabled"
}

func userData(i world.Instance) *node {
	if len(i.UserData) == 0 {
		return nil
	}
	n := text("user-data", string(i.UserData))
	n.kind = "application/octet-stream"
	return n
}

func metaData(v *view, i world.Instance, enis []world.ENI, iam *node) *node {
	subnet, _ := v.world.Subnets.Get(i.Subnet)
	zone := subnet.Zone
	kids := []*node{
		text("ami-id", i.Image),
		text("ami-launch-index", strconv.Itoa(i.LaunchIndex)),
		text("ami-manifest-path", "(unknown)"),
		folder("block-device-mapping", text("ami", "xvda"), text("root", "/dev/xvda")),
		folder("events", folder("maintenance", text("history", "[]"), text("scheduled", "[]"))),
		iam,
		text("instance-action", "none"),
		text("instance-id", string(i.ID)),
		text("instance-life-cycle", "on-demand"),
		text("instance-type", i.Type),
		folder("placement",
			text("availability-zone", zone),
			text("availability-zone-id", world.ZoneID(i.Region, zone)),
			text("region", i.Region)),
		text("profile", "default-hvm"),
		publicKeys(i),
		text("reservation-id", i.Reservation),
		folder("services", text("domain", serviceDomain(i.Region)), text("partition", world.Partition(i.Region))),
		text("system", hypervisor(i.Type)),
		tags(i),
	}
	if len(enis) > 0 {
		first := enis[0]
		name := i.PrivateName(first.Addr())
		kids = append(kids,
			text("hostname", name), text("local-hostname", name),
			text("local-ipv4", first.Addr().String()), text("mac", first.MAC),
			lines("security-groups", groupNames(v, first)))
		kids = append(kids, public(v, first, "public-ipv4")...)
	}
	macs := make([]*node, 0, len(enis))
	for _, e := range enis {
		macs = append(macs, networkInterface(v, e))
	}
	kids = append(kids, folder("network", folder("interfaces", folder("macs", macs...))))
	return folder("meta-data", kids...)
}

// serviceDomain is the domain of AWS's services in a region.
func serviceDomain(region string) string {
	if world.Partition(region) == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// hypervisor is what instances of the type run on at AWS: Xen before the fifth generation, mostly.
// (Amazon EC2 Instance Types, "Instances built on the Nitro System".)
func hypervisor(instanceType string) string {
	family, _, _ := strings.Cut(instanceType, ".")
	const xen = " t1 t2 m1 m2 m3 m4 c1 c3 c4 r3 r4 i2 i3 h1 d2 g2 g3 g3s p2 p3 x1 x1e f1 cc2 hs1 "
	if strings.Contains(xen, " "+family+" ") {
		return "xen"
	}
	return "nitro"
}

// publicKeys is the key pair the instance was launched with: one, numbered 0.
func publicKeys(i world.Instance) *node {
	if i.KeyName == "" {
		return nil
	}
	key := strings.TrimSpace(i.PublicKey)
	if len(strings.Fields(key)) == 2 {
		key += " " + i.KeyName
	}
	zero := folder("0", text("openssh-key", key))
	zero.label = "0=" + i.KeyName
	return folder("public-keys", zero)
}

// iam is what the instance may act as. Credentials are made when they are read.
func (s *server) iam(i world.Instance, role Role, ok bool, asked http.Header) *node {
	if !ok {
		return nil
	}
	info := text("info", string(role.Info))
	if role.Name == "" {
		return folder("iam", info, folder("security-credentials"))
	}
	version := "1.0"
	if asked[tokenHeader] != nil {
		version = "2.0"
	}
	return folder("iam", info, folder("security-credentials", &node{name: role.Name, value: func() ([]byte, bool) {
		document, err := role.Credentials(version)
		if err != nil {
			s.cfg.Log.Error("an instance gets no credentials", "id", i.ID, "err", err)
		}
		return document, err == nil
	}}))
}

func tags(i world.Instance) *node {
	if !i.Metadata.Tags {
		return nil
	}
	kids := make([]*node, 0, len(i.Tags))
	for _, t := range i.Tags {
		if !strings.Contains(t.Key, "/") { // cannot be a name in a path
			kids = append(kids, text(t.Key, t.Value))
		}
	}
	return folder("tags", folder("instance", kids...))
}

// networkInterface is what the instance learns of one of its ENIs.
func networkInterface(v *view, e world.ENI) *node {
	vpc, _ := v.world.VPCs.Get(e.VPC)
	subnet, _ := v.world.Subnets.Get(e.Subnet)
	ranges := make([]string, 0, len(vpc.CIDRs))
	for _, c := range vpc.CIDRs {
		ranges = append(ranges, c.CIDR.String())
	}
	kids := []*node{
		text("device-number", strconv.Itoa(e.Attachment.DeviceIndex)),
		text("interface-id", string(e.ID)),
		text("local-hostname", world.PrivateName(e.Addr(), e.Region)),
		lines("local-ipv4s", addrs(e.Addrs)),
		text("mac", e.MAC),
		text("network-card-index", "0"),
		text("owner-id", string(e.Account)),
		lines("security-group-ids", e.Groups),
		lines("security-groups", groupNames(v, e)),
		text("subnet-id", string(e.Subnet)),
		text("subnet-ipv4-cidr-block", subnet.CIDR.String()),
		text("vpc-id", string(e.VPC)),
		text("vpc-ipv4-cidr-block", vpc.CIDR().String()),
		lines("vpc-ipv4-cidr-blocks", ranges),
	}
	if len(e.Prefixes) > 0 {
		prefixes := make([]string, 0, len(e.Prefixes))
		for _, p := range e.Prefixes {
			prefixes = append(prefixes, p.String())
		}
		kids = append(kids, lines("ipv4-prefix", prefixes))
	}
	kids = append(kids, public(v, e, "public-ipv4s")...)
	return folder(e.MAC, kids...)
}

func addrs(list []netip.Addr) []string {
	out := make([]string, 0, len(list))
	for _, a := range list {
		out = append(out, a.String())
	}
	return out
}

// groupNames are the names of the ENI's security groups.
func groupNames(v *view, e world.ENI) []string {
	out := make([]string, 0, len(e.Groups))
	for _, id := range e.Groups {
		if g, ok := v.world.SecurityGroups.Get(id); ok {
			out = append(out, g.Name)
		}
	}
	return out
}
