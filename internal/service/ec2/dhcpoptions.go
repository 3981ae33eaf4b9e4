package ec2

import (
	"context"
	"net/netip"
	"slices"
	"strconv"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// noDHCP is what a VPC without DHCP options has in place of the id of a set.
const noDHCP = "default"

// defaultDHCP is the set new VPCs of the account and region use; it is made with the first of them.
func defaultDHCP(tx *world.Tx, c world.Caller) world.DHCPOptions {
	for d := range tx.DHCPOptions.All() {
		if d.Default && d.OwnedBy(c) {
			return d
		}
	}
	d := world.DHCPOptions{
		ID: world.DHCPOptionsID(tx.NewID("dopt")), Meta: tx.NewMeta(c, nil), Default: true,
		Options: []world.DHCPOption{
			{Key: "domain-name", Values: []string{world.PrivateDomain(c.Region)}},
			{Key: "domain-name-servers", Values: []string{"AmazonProvidedDNS"}},
		},
	}
	tx.DHCPOptions.Put(d)
	return d
}

func dhcpOptions(r world.DHCPOptions) ec2api.DhcpOptions {
	return ec2api.DhcpOptions{
		DhcpOptionsId: new(string(r.ID)), OwnerId: new(string(r.Account)), Tags: allTags(r.Meta),
		DhcpConfigurations: each(r.Options, func(o world.DHCPOption) ec2api.DhcpConfiguration {
			return ec2api.DhcpConfiguration{Key: new(o.Key), Values: each(o.Values, func(s string) ec2api.AttributeValue {
				return ec2api.AttributeValue{Value: new(s)}
			})}
		}),
	}
}

// CreateDhcpOptions makes a set of DHCP options.
func (s *Service) CreateDhcpOptions(ctx context.Context, c world.Caller, in *ec2api.CreateDhcpOptionsInput) (*ec2api.CreateDhcpOptionsOutput, error) {
	given, err := oneSpec(in.TagSpecifications, "dhcp-options")
	if err != nil {
		return nil, err
	}
	options, err := readDHCP(in.DhcpConfigurations)
	if err != nil {
		return nil, err
	}
	var r world.DHCPOptions
	_, err = s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		if atLimit(&tx.DHCPOptions, c, maxDHCPOptions) {
			return awserr.EC2Limit("DhcpOptionsLimitExceeded", "The maximum number of DHCP options sets has been reached.")
		}
		r = world.DHCPOptions{ID: world.DHCPOptionsID(tx.NewID("dopt")), Meta: tx.NewMeta(c, given), Options: options}
		tx.DHCPOptions.Put(r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.CreateDhcpOptionsOutput{DhcpOptions: new(dhcpOptions(r))}, nil
}

// readDHCP checks the options of a request. (Amazon VPC User Guide, "DHCP option sets".)
func readDHCP(in []ec2api.NewDhcpConfiguration) ([]world.DHCPOption, error) {
	if len(in) == 0 {
		return nil, awserr.EC2MissingParameter("dhcpConfiguration")
	}
	var out []world.DHCPOption
	for _, o := range in {
		key := val(o.Key)
		if len(o.Values) == 0 {
			return nil, awserr.EC2InvalidParameter("value", "", "Option "+key+" must have a value.")
		}
		if slices.ContainsFunc(out, func(h world.DHCPOption) bool { return h.Key == key }) {
			return nil, awserr.EC2InvalidParameter("key", key, "The option is given twice.")
		}
		switch key {
		case "domain-name-servers", "ntp-servers", "netbios-name-servers":
			if err := checkServers(key, o.Values); err != nil {
				return nil, err
			}
		case "domain-name":
			if err := checkDomains(o.Values); err != nil {
				return nil, err
			}
		case "netbios-node-type":
			if !slices.Contains([]string{"1", "2", "4", "8"}, o.Values[0]) {
				return nil, awserr.EC2InvalidParameter(key, o.Values[0], "Expecting 1, 2, 4 or 8.")
			}
		case "ipv6-address-preferred-lease-time": // kept for VPCs with IPv6, which there are none
			if n, err := strconv.Atoi(o.Values[0]); err != nil || n < 140 || n > 2147483647 {
				return nil, awserr.EC2InvalidParameter(key, o.Values[0], "Expecting a number of seconds from 140 to 2147483647.")
			}
		default:
			return nil, awserr.EC2InvalidParameter("key", key, "Unknown DHCP option")
		}
		out = append(out, world.DHCPOption{Key: key, Values: slices.Clone(o.Values)})
	}
	return out, nil
}

func checkServers(key string, values []string) error {
	if len(values) > maxDNSServers {
		return awserr.EC2InvalidParameter(key, values[maxDNSServers], "At most 4 servers can be given.")
	}
	for _, s := range values {
		if a, err := netip.ParseAddr(s); (err != nil || !a.Is4()) && (key != "domain-name-servers" || s != "AmazonProvidedDNS") {
			return awserr.EC2InvalidParameter(key, s, "Not an IPv4 address.")
		}
	}
	return nil
}

// DescribeDhcpOptions lists the caller's sets of DHCP options.
func (s *Service) DescribeDhcpOptions(_ context.Context, c world.Caller, in *ec2api.DescribeDhcpOptionsInput) (*ec2api.DescribeDhcpOptionsOutput, error) {
	v := s.look(c)
	filters := listing.Filters[world.DHCPOptions]{
		Tags: ownTags(func(r world.DHCPOptions) world.Meta { return r.Meta }),
		Fields: map[string]func(world.DHCPOptions) []string{
			"dhcp-options-id": one(func(r world.DHCPOptions) world.DHCPOptionsID { return r.ID }),
			"owner-id":        one(func(r world.DHCPOptions) world.AccountID { return r.Account }),
			"key": func(r world.DHCPOptions) []string {
				return each(r.Options, func(o world.DHCPOption) string { return o.Key })
			},
			"value": func(r world.DHCPOptions) []string {
				var out []string
				for _, o := range r.Options {
					out = append(out, o.Values...)
				}
				return out
			},
		},
	}
	page, next, err := listFrom(query{"dhcp-options", in.DhcpOptionsIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun},
		owned(&v.w.DHCPOptions, c), filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeDhcpOptionsOutput{DhcpOptions: each(page, dhcpOptions), NextToken: next}, nil
}

// DeleteDhcpOptions removes a set no VPC uses.
func (s *Service) DeleteDhcpOptions(ctx context.Context, c world.Caller, in *ec2api.DeleteDhcpOptionsInput) (*ec2api.DeleteDhcpOptionsOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		r, err := find(&tx.DHCPOptions, c, "dhcp-options", in.DhcpOptionsId)
		if err != nil {
			return err
		}
		if tx.VPCs.Any(func(p world.VPC) bool { return p.DHCPOptions == r.ID }) {
			return awserr.EC2Dependency("dhcp-options", string(r.ID))
		}
		tx.DHCPOptions.Delete(r.ID)
		return nil
	})
	return &ec2api.DeleteDhcpOptionsOutput{}, err
}

// AssociateDhcpOptions gives a VPC another set, or none ("default"). Instances learn of it when they start.
func (s *Service) AssociateDhcpOptions(ctx context.Context, c world.Caller, in *ec2api.AssociateDhcpOptionsInput) (*ec2api.AssociateDhcpOptionsOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		p, err := find(&tx.VPCs, c, "vpc", in.VpcId)
		if err != nil {
			return err
		}
		p.DHCPOptions = noDHCP
		if val(in.DhcpOptionsId) != noDHCP {
			r, err := find(&tx.DHCPOptions, c, "dhcp-options", in.DhcpOptionsId)
			if err != nil {
				return err
			}
			p.DHCPOptions = r.ID
		}
		p.Updated = tx.Now
		tx.VPCs.Put(p)
		return nil
	})
	return &ec2api.AssociateDhcpOptionsOutput{}, err
}
