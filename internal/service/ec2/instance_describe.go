package ec2

import (
	"cmp"
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// DescribeInstances lists the caller's instances by the reservations they were launched in.
func (s *Service) DescribeInstances(_ context.Context, c world.Caller, in *ec2api.DescribeInstancesInput) (*ec2api.DescribeInstancesOutput, error) {
	if len(in.InstanceIds) > 0 && in.MaxResults != nil {
		return nil, awserr.EC2Combination("The parameter instancesSet cannot be used with the parameter maxResults")
	}
	v := s.look(c)
	page, next, err := listFrom(query{"instance", in.InstanceIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun},
		v.described(), v.instanceFilters(), listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	groups := map[string][]world.Instance{}
	for _, i := range page {
		groups[i.Reservation] = append(groups[i.Reservation], i)
	}
	out := &ec2api.DescribeInstancesOutput{NextToken: next, Reservations: []ec2api.Reservation{}}
	for _, id := range sortedKeys(groups) {
		rows := groups[id]
		slices.SortFunc(rows, func(a, b world.Instance) int { return cmp.Compare(a.LaunchIndex, b.LaunchIndex) })
		out.Reservations = append(out.Reservations, reservationOf(rows, v.instance))
	}
	slices.SortStableFunc(out.Reservations, func(a, b ec2api.Reservation) int {
		return a.Instances[0].UsageOperationUpdateTime.Compare(*b.Instances[0].UsageOperationUpdateTime)
	})
	return out, nil
}

func (v *view) instanceFilters() listing.Filters[world.Instance] {
	f := map[string]func(world.Instance) []string{
		"instance-id":         one(func(i world.Instance) world.InstanceID { return i.ID }),
		"image-id":            one(func(i world.Instance) string { return i.Image }),
		"instance-type":       one(func(i world.Instance) string { return i.Type }),
		"key-name":            one(func(i world.Instance) string { return i.KeyName }),
		"owner-id":            one(func(i world.Instance) world.AccountID { return i.Account }),
		"reservation-id":      one(func(i world.Instance) string { return i.Reservation }),
		"client-token":        one(func(i world.Instance) string { return i.ClientToken }),
		"launch-index":        one(func(i world.Instance) string { return itoa(i.LaunchIndex) }),
		"launch-time":         one(func(i world.Instance) string { return ec2Time(i.Launched) }),
		"reason":              one(func(i world.Instance) string { return i.Reason }),
		"instance-state-name": one(func(i world.Instance) instanceState { return state(i, v.seen) }),
		"instance-state-code": one(func(i world.Instance) string { return itoa(int(state(i, v.seen).code())) }),
		"monitoring-state":    one(func(i world.Instance) string { return *monitoring(i).State }),
		"architecture": one(func(i world.Instance) string {
			t, _ := findType(i.Type)
			return v.imageOf(i.Image).architecture(t)
		}),
		"root-device-name":     one(func(i world.Instance) string { return i.Volume.Device }),
		"state-reason-code":    one(func(i world.Instance) string { code, _ := stateReason(i, state(i, v.seen)); return code }),
		"state-reason-message": one(func(i world.Instance) string { _, text := stateReason(i, state(i, v.seen)); return text }),
		"iam-instance-profile.arn": func(i world.Instance) []string {
			if i.InstanceProfile == "" {
				return nil
			}
			return []string{v.profileARN(i)}
		},
		"iam-instance-profile.id":                      one(func(i world.Instance) string { return i.ProfileID }),
		"iam-instance-profile.name":                    one(func(i world.Instance) string { return i.InstanceProfile }),
		"metadata-options.http-tokens":                 one(func(i world.Instance) string { return *metadata(i, "").HttpTokens }),
		"metadata-options.http-endpoint":               one(func(i world.Instance) string { return *metadata(i, "").HttpEndpoint }),
		"metadata-options.http-put-response-hop-limit": one(func(i world.Instance) string { return itoa(i.Metadata.HopLimit) }),
		"block-device-mapping.volume-id":               one(func(i world.Instance) string { return i.Volume.ID }),
		"block-device-mapping.device-name":             one(func(i world.Instance) string { return i.Volume.Device }),
		"block-device-mapping.status":                  one(func(world.Instance) string { return "attached" }),
		"availability-zone":                            one(v.instanceZone),
		"availability-zone-id":                         one(func(i world.Instance) string { return world.ZoneID(i.Region, v.instanceZone(i)) }),
		"tenancy":                                      one(func(world.Instance) string { return "default" }),
		"placement-group-name":                         one(func(world.Instance) string { return "" }),
		"hypervisor":                                   one(func(world.Instance) string { return "xen" }),
		"virtualization-type":                          one(func(world.Instance) string { return "hvm" }),
		"root-device-type":                             one(func(world.Instance) string { return "ebs" }),
	}
	v.addNetworkFilters(f)
	maps.Copy(f, v.publicFilters())
	maps.Copy(f, v.toldFilters())
	for _, name := range []string{"platform", "product-code", "instance-lifecycle", "spot-instance-request-id", "kernel-id",
		"ramdisk-id", "host-id", "capacity-reservation-id", "requester-id", "outpost-arn", "product-code.type",
		"capacity-reservation-specification.capacity-reservation-target.capacity-reservation-resource-group-arn"} {
		f[name] = never[world.Instance]
	}
	return listing.Filters[world.Instance]{Fields: f, Tags: ownTags(func(i world.Instance) world.Meta { return i.Meta })}
}

// toldFilters are those about members of the answer that few ask for.
func (v *view) toldFilters() map[string]func(world.Instance) []string {
	f := listing.Told(v.instance, "boot-mode", "capacity-reservation-specification.capacity-reservation-preference",
		"capacity-reservation-specification.capacity-reservation-target.capacity-reservation-id", "current-instance-boot-mode", "ebs-optimized",
		"ena-support", "enclave-options.enabled", "hibernation-options.configured", "ipv6-address", "maintenance-options.auto-recovery",
		"metadata-options.http-protocol-ipv6", "metadata-options.instance-metadata-tags", "metadata-options.state",
		"network-performance-options.bandwidth-weighting", "operator.managed", "operator.principal", "platform-details",
		"private-dns-name-options.enable-resource-name-dns-a-record", "private-dns-name-options.enable-resource-name-dns-aaaa-record",
		"private-dns-name-options.hostname-type", "tpm-support", "usage-operation", "usage-operation-update-time")
	f["metadata-options.http-protocol-ipv4"] = one(func(world.Instance) string { return "enabled" })
	maps.Copy(f, listing.Told(v.placement, "affinity"))
	f["placement-partition-number"] = listing.Told(v.placement, "partition-number")["partition-number"]
	for name, get := range listing.Told(v.rootDevice, "ebs.attach-time", "ebs.delete-on-termination") {
		f["block-device-mapping."+strings.TrimPrefix(name, "ebs.")] = get
	}
	return f
}

// addNetworkFilters adds the filters on where an instance is and on its interfaces.
func (v *view) addNetworkFilters(f map[string]func(world.Instance) []string) {
	alive := func(get func(world.Instance) string) func(world.Instance) []string {
		return func(i world.Instance) []string {
			if state(i, v.seen) == terminated {
				return nil
			}
			return []string{get(i)}
		}
	}
	f["vpc-id"] = alive(func(i world.Instance) string { return string(i.VPC) })
	f["subnet-id"] = alive(func(i world.Instance) string { return string(i.Subnet) })
	first := func(get func(world.ENI) []string) func(world.Instance) []string {
		return func(i world.Instance) []string {
			if es := v.enisOf(i.ID); len(es) > 0 {
				return get(es[0])
			}
			return nil
		}
	}
	f["private-ip-address"] = first(func(e world.ENI) []string { return []string{e.Addr().String()} })
	f["private-dns-name"] = alive(func(i world.Instance) string {
		if es := v.enisOf(i.ID); len(es) > 0 {
			return i.PrivateName(es[0].Addr())
		}
		return ""
	})
	f["source-dest-check"] = first(func(e world.ENI) []string { return []string{strconv.FormatBool(e.SourceDestCheck)} })
	groups := first(func(e world.ENI) []string {
		return each(e.Groups, func(g world.SecurityGroupID) string { return string(g) })
	})
	names := first(func(e world.ENI) []string { return v.namesOf(e.Groups) })
	f["instance.group-id"], f["group-id"], f["instance.group-name"], f["group-name"] = groups, groups, names, names
	for name, of := range v.eniFiltersOfInstances() {
		f["network-interface."+name] = func(i world.Instance) []string {
			var out []string
			for _, e := range v.enisOf(i.ID) {
				out = append(out, of(e)...)
			}
			return out
		}
	}
}

// eniFiltersOfInstances are the filters of interfaces, and those that only instances have of theirs.
func (v *view) eniFiltersOfInstances() map[string]func(world.ENI) []string {
	all := v.eniFilters()
	f := maps.Clone(all.Fields)
	for _, name := range []string{"tag-key", "tag-value"} {
		f[name] = all.Field(name)
	}
	maps.Copy(f, listing.Told(v.eni, "association.carrier-ip", "association.customer-owned-ip", "attachment.network-card-index",
		"deny-all-igw-traffic", "ipv4-prefixes.ipv4-prefix", "ipv6-address", "ipv6-addresses.is-primary-ipv6", "ipv6-native",
		"ipv6-prefixes.ipv6-prefix", "outpost-arn", "public-dns-name"))
	for name, get := range listing.Told(v.eni, "private-ip-addresses.association.allocation-id", "private-ip-addresses.association.association-id",
		"private-ip-addresses.association.carrier-ip", "private-ip-addresses.association.customer-owned-ip",
		"private-ip-addresses.association.ip-owner-id", "private-ip-addresses.private-dns-name") {
		f[strings.TrimPrefix(name, "private-ip-")] = get
	}
	return f
}

func (v *view) instanceZone(i world.Instance) string {
	n, _ := v.w.Subnets.Get(i.Subnet)
	return n.Zone
}

// DescribeInstanceStatus tells whether running instances pass their checks; with IncludeAllInstances it lists the others
// too.
func (s *Service) DescribeInstanceStatus(_ context.Context, c world.Caller, in *ec2api.DescribeInstanceStatusInput) (*ec2api.DescribeInstanceStatusOutput, error) {
	if len(in.InstanceIds) > 0 && in.MaxResults != nil {
		return nil, awserr.EC2Combination("The parameter instancesSet cannot be used with the parameter maxResults")
	}
	v := s.look(c)
	rows, err := pick("instance", in.InstanceIds, v.liveInstances())
	if err != nil {
		return nil, err
	}
	if !val(in.IncludeAllInstances) {
		rows = slices.DeleteFunc(slices.Clone(rows), func(i world.Instance) bool { return state(i, v.seen) != running })
	}
	check := one(v.check)
	filters := listing.Filters[world.Instance]{
		Tags: ownTags(func(i world.Instance) world.Meta { return i.Meta }),
		Fields: map[string]func(world.Instance) []string{
			"availability-zone":            one(v.instanceZone),
			"availability-zone-id":         one(func(i world.Instance) string { return world.ZoneID(i.Region, v.instanceZone(i)) }),
			"instance-state-name":          one(func(i world.Instance) instanceState { return state(i, v.seen) }),
			"instance-state-code":          one(func(i world.Instance) string { return itoa(int(state(i, v.seen).code())) }),
			"instance-status.status":       check,
			"system-status.status":         check,
			"attached-ebs-status.status":   check,
			"instance-status.reachability": one(func(i world.Instance) string { return reachability(v.check(i)) }),
			"system-status.reachability":   one(func(i world.Instance) string { return reachability(v.check(i)) }),
			"operator.managed":             flag(func(world.Instance) bool { return false }),
			"operator.principal":           never[world.Instance], "event.code": never[world.Instance], "event.description": never[world.Instance],
			"event.instance-event-id": never[world.Instance], "event.not-after": never[world.Instance], "event.not-before": never[world.Instance],
			"event.not-before-deadline": never[world.Instance],
		},
	}
	page, next, err := list(query{filters: in.Filters, size: in.MaxResults, token: in.NextToken, dry: in.DryRun}, rows, filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeInstanceStatusOutput{InstanceStatuses: each(page, v.status), NextToken: next}, nil
}

// check is the status of an instance's checks: ok once its host of this boot runs and its VPC is as asked.
func (v *view) check(i world.Instance) string {
	switch {
	case state(i, v.seen) != running:
		return "not-applicable"
	case !up(i, v.seen):
		return "initializing"
	case !v.seen.Ready(i.Rev, string(i.VPC), string(i.ID)):
		return "impaired"
	}
	return "ok"
}

// reachability is the detail of a check with the given status.
func reachability(status string) string {
	switch status {
	case "ok":
		return "passed"
	case "impaired":
		return "failed"
	case "initializing":
		return "initializing"
	}
	return ""
}

func (v *view) status(i world.Instance) ec2api.InstanceStatus {
	check := v.check(i)
	summary := func() *ec2api.InstanceStatusSummary {
		s := &ec2api.InstanceStatusSummary{Status: new(check)}
		if r := reachability(check); r != "" {
			s.Details = []ec2api.InstanceStatusDetails{{Name: new("reachability"), Status: new(r)}}
		}
		return s
	}
	out := ec2api.InstanceStatus{
		InstanceId: new(string(i.ID)), InstanceState: state(i, v.seen).describe(), AvailabilityZone: new(v.instanceZone(i)),
		AvailabilityZoneId: new(world.ZoneID(i.Region, v.instanceZone(i))), Operator: &ec2api.OperatorResponse{Managed: new(false)},
		InstanceStatus: summary(), SystemStatus: summary(), AttachedEbsStatus: &ec2api.EbsStatusSummary{Status: new(check)},
	}
	if r := reachability(check); r != "" {
		out.AttachedEbsStatus.Details = []ec2api.EbsStatusDetails{{Name: new("reachability"), Status: new(r)}}
	}
	return out
}

// GetConsoleOutput answers what an instance has written to its console, in base64.
func (s *Service) GetConsoleOutput(_ context.Context, c world.Caller, in *ec2api.GetConsoleOutputInput) (*ec2api.GetConsoleOutputOutput, error) {
	v := s.look(c)
	i, err := v.liveInstance(in.InstanceId)
	if err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	text, err := s.console(i.ID)
	if err != nil {
		return nil, err
	}
	out := &ec2api.GetConsoleOutputOutput{InstanceId: in.InstanceId, Timestamp: new(v.now.UTC())}
	if len(text) > 0 {
		out.Output = new(base64.StdEncoding.EncodeToString(text[max(0, len(text)-maxConsole):]))
	}
	return out, nil
}

// maxConsole is how much of a console is answered, in bytes. (Amazon EC2 API Reference, GetConsoleOutput.)
const maxConsole = 64 << 10

// liveInstance is the caller's instance with the given id, if it can be described.
func (v *view) liveInstance(id *string) (world.Instance, error) {
	i, err := find(&v.w.Instances, v.c, "instance", id)
	if err == nil && forgotten(i, v.now) {
		err = awserr.EC2NotFound("instance", *id)
	}
	return i, err
}

// DescribeInstanceCreditSpecifications tells how burstable instances are paid for.
func (s *Service) DescribeInstanceCreditSpecifications(_ context.Context, c world.Caller, in *ec2api.DescribeInstanceCreditSpecificationsInput) (*ec2api.DescribeInstanceCreditSpecificationsOutput, error) {
	v := s.look(c)
	rows, err := pick("instance", in.InstanceIds, v.liveInstances())
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(slices.Clone(rows), func(i world.Instance) bool {
		t, _ := findType(i.Type)
		return !t.burst || len(in.InstanceIds) == 0 && i.Credits != "unlimited"
	})
	filters := listing.Filters[world.Instance]{Fields: map[string]func(world.Instance) []string{
		"instance-id": one(func(i world.Instance) world.InstanceID { return i.ID }),
	}}
	page, next, err := list(query{filters: in.Filters, size: in.MaxResults, token: in.NextToken, dry: in.DryRun}, rows, filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeInstanceCreditSpecificationsOutput{NextToken: next, InstanceCreditSpecifications: each(page,
		func(i world.Instance) ec2api.InstanceCreditSpecification {
			return ec2api.InstanceCreditSpecification{InstanceId: new(string(i.ID)), CpuCredits: new(i.Credits)}
		})}, nil
}
