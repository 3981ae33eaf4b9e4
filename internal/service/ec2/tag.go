package ec2

import (
	"context"
	"iter"
	"slices"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// taggable is a kind of resource that has tags.
type taggable struct {
	prefix string                                                             // of its ids
	noun   string                                                             // in errors
	kind   string                                                             // in DescribeTags
	rows   func(w *world.World, c world.Caller, from string) iter.Seq[tagged] // in the order of their ids, from one on
	change func(tx *world.Tx, c world.Caller, id string, f func(have []world.Tag) []world.Tag) bool
}

// tagged is a resource with its tags.
type tagged struct {
	id   string
	tags []world.Tag
}

// taggables are the kinds of resources that have tags.
func taggables() []taggable {
	return append(endpointTags(), []taggable{
		tableOf("vpc-", "vpc", "vpc", func(w *world.World) *world.Table[world.VPCID, world.VPC] { return &w.VPCs },
			func(r *world.VPC) *world.Meta { return &r.Meta }),
		tableOf("subnet-", "subnet", "subnet", func(w *world.World) *world.Table[world.SubnetID, world.Subnet] { return &w.Subnets },
			func(r *world.Subnet) *world.Meta { return &r.Meta }),
		tableOf("rtb-", "route-table", "route-table", func(w *world.World) *world.Table[world.RouteTableID, world.RouteTable] { return &w.RouteTables },
			func(r *world.RouteTable) *world.Meta { return &r.Meta }),
		tableOf("acl-", "network-acl", "network-acl", func(w *world.World) *world.Table[world.NetworkACLID, world.NetworkACL] { return &w.NetworkACLs },
			func(r *world.NetworkACL) *world.Meta { return &r.Meta }),
		tableOf("sg-", "security-group", "security-group",
			func(w *world.World) *world.Table[world.SecurityGroupID, world.SecurityGroup] {
				return &w.SecurityGroups
			},
			func(r *world.SecurityGroup) *world.Meta { return &r.Meta }),
		tableOf("sgr-", "security-group-rule", "security-group-rule",
			func(w *world.World) *world.Table[world.SecurityGroupRuleID, world.SecurityGroupRule] {
				return &w.SecurityGroupRules
			},
			func(r *world.SecurityGroupRule) *world.Meta { return &r.Meta }),
		tableOf("eni-", "network-interface", "network-interface", func(w *world.World) *world.Table[world.ENIID, world.ENI] { return &w.ENIs },
			func(r *world.ENI) *world.Meta { return &r.Meta }),
		tableOf("i-", "instance", "instance", func(w *world.World) *world.Table[world.InstanceID, world.Instance] { return &w.Instances },
			func(r *world.Instance) *world.Meta { return &r.Meta }),
		tableOf("key-", "key-pair-id", "key-pair", func(w *world.World) *world.Table[world.KeyPairID, world.KeyPair] { return &w.KeyPairs },
			func(r *world.KeyPair) *world.Meta { return &r.Meta }),
		tableOf("dopt-", "dhcp-options", "dhcp-options", func(w *world.World) *world.Table[world.DHCPOptionsID, world.DHCPOptions] { return &w.DHCPOptions },
			func(r *world.DHCPOptions) *world.Meta { return &r.Meta }),
		tableOf("pl-", "prefix-list", "prefix-list",
			func(w *world.World) *world.Table[world.PrefixListID, world.ManagedPrefixList] {
				return &w.ManagedPrefixLists
			},
			func(r *world.ManagedPrefixList) *world.Meta { return &r.Meta }),
		tableOf("nip-", insightsPath, insightsPath,
			func(w *world.World) *world.Table[world.NetworkInsightsPathID, world.NetworkInsightsPath] {
				return &w.NetworkInsightsPaths
			},
			func(r *world.NetworkInsightsPath) *world.Meta { return &r.Meta }),
		tableOf("nia-", insightsAnalysis, insightsAnalysis,
			func(w *world.World) *world.Table[world.NetworkInsightsAnalysisID, world.NetworkInsightsAnalysis] {
				return &w.NetworkInsightsAnalyses
			},
			func(r *world.NetworkInsightsAnalysis) *world.Meta { return &r.Meta }),
		tableOf("nis-", accessScope, accessScope,
			func(w *world.World) *world.Table[world.NetworkInsightsAccessScopeID, world.NetworkInsightsAccessScope] {
				return &w.NetworkInsightsScopes
			},
			func(r *world.NetworkInsightsAccessScope) *world.Meta { return &r.Meta }),
		tableOf("nisa-", accessScopeAnalysis, accessScopeAnalysis,
			func(w *world.World) *world.Table[world.NetworkInsightsAccessScopeAnalysisID, world.NetworkInsightsAccessScopeAnalysis] {
				return &w.NetworkInsightsScopeAnalyses
			},
			func(r *world.NetworkInsightsAccessScopeAnalysis) *world.Meta { return &r.Meta }),
		tableOf("fl-", "flow-log", "vpc-flow-log", func(w *world.World) *world.Table[world.FlowLogID, world.FlowLog] { return &w.FlowLogs },
			func(r *world.FlowLog) *world.Meta { return &r.Meta }),
		tableOf("igw-", "internet-gateway", "internet-gateway",
			func(w *world.World) *world.Table[world.InternetGatewayID, world.InternetGateway] {
				return &w.InternetGateways
			},
			func(r *world.InternetGateway) *world.Meta { return &r.Meta }),
		tableOf("eigw-", "egress-only-internet-gateway", "egress-only-internet-gateway",
			func(w *world.World) *world.Table[world.EgressOnlyGatewayID, world.EgressOnlyGateway] {
				return &w.EgressOnlyGateways
			},
			func(r *world.EgressOnlyGateway) *world.Meta { return &r.Meta }),
		tableOf("nat-", "nat-gateway", "natgateway", func(w *world.World) *world.Table[world.NATGatewayID, world.NATGateway] { return &w.NATGateways },
			func(r *world.NATGateway) *world.Meta { return &r.Meta }),
		tableOf("eipalloc-", "address", "elastic-ip", func(w *world.World) *world.Table[world.AllocationID, world.Address] { return &w.Addresses },
			func(r *world.Address) *world.Meta { return &r.Meta }),
		{"pcx-", "vpc-peering-connection", "vpc-peering-connection", peeringTagged, changePeeringTags},
		tableOf("scr-", "subnet-cidr-reservation", "subnet-cidr-reservation",
			func(w *world.World) *world.Table[world.SubnetReservationID, world.SubnetReservation] {
				return &w.SubnetReservations
			},
			func(r *world.SubnetReservation) *world.Meta { return &r.Meta }),
		{"vol-", "volume", "volume", volumeTags, changeVolumeTags},
	}...)
}

// endpointTags are the kinds of VPC endpoints and their services that have tags.
func endpointTags() []taggable {
	return []taggable{
		tableOf("vpce-svc-", "vpc-endpoint-service", "vpc-endpoint-service",
			func(w *world.World) *world.Table[world.EndpointServiceID, world.EndpointService] {
				return &w.EndpointServices
			},
			func(r *world.EndpointService) *world.Meta { return &r.Meta }),
		tableOf("vpce-", "vpc-endpoint", "vpc-endpoint", func(w *world.World) *world.Table[world.EndpointID, world.Endpoint] { return &w.Endpoints },
			func(r *world.Endpoint) *world.Meta { return &r.Meta }),
	}
}

// tableOf is the kind of resource whose rows are in a table. Tags do not change what the network must be, so the
// revision of the row stays.
func tableOf[K ~string, V row](prefix, noun, kind string, table func(*world.World) *world.Table[K, V], meta func(*V) *world.Meta) taggable {
	return taggable{prefix, noun, kind,
		func(w *world.World, c world.Caller, from string) iter.Seq[tagged] {
			return func(yield func(tagged) bool) {
				for v := range table(w).From("", from) {
					if v.OwnedBy(c) && !yield(tagged{v.RowID(), meta(&v).Tags}) {
						return
					}
				}
			}
		},
		func(tx *world.Tx, c world.Caller, id string, f func([]world.Tag) []world.Tag) bool {
			v, ok := table(&tx.World).Get(K(id))
			if !ok || !v.OwnedBy(c) {
				return false
			}
			m := meta(&v)
			m.Tags, m.Updated = f(m.Tags), tx.Now
			table(&tx.World).Put(v)
			return true
		},
	}
}

func volumeTags(w *world.World, c world.Caller, _ string) iter.Seq[tagged] {
	var out []tagged
	for i := range w.Instances.All() {
		if i.TerminatedAt.IsZero() && len(i.Volume.Tags) > 0 && i.OwnedBy(c) {
			out = append(out, tagged{i.Volume.ID, i.Volume.Tags})
		}
	}
	slices.SortFunc(out, func(a, b tagged) int { return strings.Compare(a.id, b.id) })
	return slices.Values(out)
}

func changeVolumeTags(tx *world.Tx, c world.Caller, id string, f func([]world.Tag) []world.Tag) bool {
	i, ok := volumeOwner(&tx.World, c, id)
	if !ok {
		return false
	}
	i.Volume.Tags = f(i.Volume.Tags)
	tx.Instances.Put(i)
	return true
}

// changeTags applies f to the tags of each resource: of all, or of none.
func (s *Service) changeTags(ctx context.Context, c world.Caller, ids []string, dry *bool, f func([]world.Tag) []world.Tag) error {
	if len(ids) == 0 {
		return awserr.EC2MissingParameter("resourceIdSet")
	}
	_, err := s.update(ctx, c, dry, func(tx *world.Tx) error {
		for _, id := range ids {
			if err := changeTagsOf(tx, c, id, f); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

func changeTagsOf(tx *world.Tx, c world.Caller, id string, f func([]world.Tag) []world.Tag) error {
	for _, t := range taggables() {
		if !strings.HasPrefix(id, t.prefix) {
			continue
		}
		if err := awserr.EC2CheckID(t.noun, id); err != nil {
			return err
		}
		tooMany := false
		if !t.change(tx, c, id, func(have []world.Tag) []world.Tag {
			out := f(have)
			tooMany = len(out) > maxTags
			return out
		}) {
			return awserr.EC2NotFound(t.noun, id)
		}
		if tooMany {
			return tooManyTags()
		}
		return nil
	}
	return awserr.EC2Code("InvalidID", "The ID '%s' is not valid", id)
}

// CreateTags sets tags on resources.
func (s *Service) CreateTags(ctx context.Context, c world.Caller, in *ec2api.CreateTagsInput) (*ec2api.CreateTagsOutput, error) {
	if len(in.Tags) == 0 {
		return nil, awserr.EC2MissingParameter("Tag")
	}
	set := each(in.Tags, func(t ec2api.Tag) world.Tag { return world.Tag{Key: val(t.Key), Value: val(t.Value)} })
	if err := checkTags(set); err != nil {
		return nil, err
	}
	err := s.changeTags(ctx, c, in.Resources, in.DryRun, func(have []world.Tag) []world.Tag { return world.MergeTags(have, set) })
	return &ec2api.CreateTagsOutput{}, err
}

// DeleteTags removes tags from resources: by key, or by key and value when a value is given; all tags when none are
// named.
func (s *Service) DeleteTags(ctx context.Context, c world.Caller, in *ec2api.DeleteTagsInput) (*ec2api.DeleteTagsOutput, error) {
	err := s.changeTags(ctx, c, in.Resources, in.DryRun, func(have []world.Tag) []world.Tag {
		return world.WithoutTags(have, func(t world.Tag) bool {
			for _, d := range in.Tags {
				if val(d.Key) == t.Key && (d.Value == nil || *d.Value == t.Value) {
					return true
				}
			}
			return len(in.Tags) == 0
		})
	})
	return &ec2api.DeleteTagsOutput{}, err
}

// tagRow is one tag of one resource.
type tagRow struct {
	id, kind string
	tag      world.Tag
}

// RowID is the resource and the key.
func (t tagRow) RowID() string { return t.id + "\x00" + t.tag.Key }

// tagsFrom are the tags of the caller's resources in the order of ids and keys, from one on. The resources of a kind have
// ids that begin alike, so those of one kind come before all of the next.
func (v *view) tagsFrom(key string) iter.Seq[tagRow] {
	kinds := taggables()
	slices.SortFunc(kinds, func(a, b taggable) int { return strings.Compare(a.prefix, b.prefix) })
	from, _, _ := strings.Cut(key, "\x00")
	return func(yield func(tagRow) bool) {
		for _, k := range kinds {
			if k.prefix < from && !strings.HasPrefix(from, k.prefix) {
				continue
			}
			for r := range k.rows(&v.w, v.c, from) {
				for _, t := range r.tags {
					if !yield(tagRow{r.id, k.kind, t}) {
						return
					}
				}
			}
		}
	}
}

// DescribeTags lists the tags of the caller's resources.
func (s *Service) DescribeTags(_ context.Context, c world.Caller, in *ec2api.DescribeTagsInput) (*ec2api.DescribeTagsOutput, error) {
	v := s.look(c)
	filters := listing.Filters[tagRow]{
		Tags: func(t tagRow) []world.Tag { return []world.Tag{t.tag} },
		Fields: map[string]func(tagRow) []string{
			"key":           one(func(t tagRow) string { return t.tag.Key }),
			"value":         one(func(t tagRow) string { return t.tag.Value }),
			"resource-id":   one(func(t tagRow) string { return t.id }),
			"resource-type": one(func(t tagRow) string { return t.kind }),
		},
	}
	match, err := filters.Compile(in.Filters)
	if err != nil {
		return nil, err
	}
	page, next, err := listing.Walk(listing.Walker[tagRow]{Pager: listing.EC2(5, 1000), From: v.tagsFrom, Match: match, Key: tagRow.RowID}, in.MaxResults, in.NextToken)
	if err == nil {
		err = dryRun(in.DryRun)
	}
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeTagsOutput{NextToken: next, Tags: each(page, func(t tagRow) ec2api.TagDescription {
		return ec2api.TagDescription{ResourceId: new(t.id), ResourceType: new(t.kind), Key: new(t.tag.Key), Value: new(t.tag.Value)}
	})}, nil
}
