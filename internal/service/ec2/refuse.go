package ec2

import (
	"cmp"
	"slices"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
)

// This file refuses what would otherwise be accepted without a meaning: nothing succeeds silently.

// oneOf checks a parameter that has a set of values; an empty one counts as not given.
func oneOf(parameter string, given *string, values ...string) error {
	if v := val(given); v != "" && !slices.Contains(values, v) {
		return awserr.EC2InvalidParameter(parameter, v, "Expecting "+strings.Join(values, " or ")+".")
	}
	return nil
}

// notBuilt refuses parameters that are given but stand for something that is not built.
func notBuilt(what string, given ...bool) error {
	if slices.Contains(given, true) {
		return unsupported(what + " not built.")
	}
	return nil
}

// set tells whether a text is given.
func set(p *string) bool { return val(p) != "" }

// refuseRunDetails refuses what the lesser parameters of RunInstances can be asked for but is not built.
func refuseRunDetails(in *ec2api.RunInstancesInput) error {
	var errs []error
	if p := in.Placement; p != nil {
		errs = append(errs, notBuilt("Placement affinity, partitions and spread domains are", set(p.Affinity), p.PartitionNumber != nil, set(p.SpreadDomain)))
	}
	if o := in.Operator; o != nil {
		errs = append(errs, notBuilt("Instances managed by service providers are", set(o.Principal)))
	}
	errs = append(errs, checkCapacity(in.CapacityReservationSpecification))
	if o := in.PrivateDnsNameOptions; o != nil {
		errs = append(errs, checkNames(o.HostnameType, o.EnableResourceNameDnsAAAARecord))
	}
	if o := in.MaintenanceOptions; o != nil {
		errs = append(errs, oneOf("autoRecovery", o.AutoRecovery, usual, disabled))
	}
	if o := in.NetworkPerformanceOptions; o != nil {
		errs = append(errs, oneOf("bandwidthWeighting", o.BandwidthWeighting, usual, "vpc-1", "ebs-1"),
			notBuilt("Weights of bandwidth are", val(o.BandwidthWeighting) != usual && set(o.BandwidthWeighting)))
	}
	for _, m := range in.BlockDeviceMappings {
		errs = append(errs, refuseVolume(m))
	}
	return cmp.Or(errs...)
}

// refuseVolume refuses what a block device mapping can be asked for but is not built, and values no volume has.
func refuseVolume(m ec2api.BlockDeviceMapping) error {
	e := m.Ebs
	if e == nil {
		e = &ec2api.EbsBlockDevice{}
	}
	if err := notBuilt("Devices beside volumes, cards, Outposts and initialization rates are", m.NoDevice != nil, set(m.VirtualName),
		set(e.OutpostArn), set(e.AvailabilityZone), set(e.AvailabilityZoneId), e.VolumeInitializationRate != nil, e.EbsCardIndex != nil); err != nil {
		return err
	}
	kind := cmp.Or(val(e.VolumeType), "gp3")
	return cmp.Or(
		inRange("volumeSize", e.VolumeSize, 1, maxVolume),
		volumeRate("iops", kind, e.Iops, map[string][2]int32{"gp3": {3000, 80000}, "io1": {100, 64000}, "io2": {100, 256000}}),
		volumeRate("throughput", kind, e.Throughput, map[string][2]int32{"gp3": {125, 2000}}),
	)
}

// maxVolume is the size of the largest volume, in GiB. (Amazon EBS User Guide, "Amazon EBS volume types", as are the
// rates.)
const maxVolume = 65536

func inRange(parameter string, n *int32, least, most int32) error {
	if n != nil && (*n < least || *n > most) {
		return awserr.EC2InvalidParameter(parameter, itoa(int(*n)), "Expecting a value from "+itoa(int(least))+" to "+itoa(int(most))+".")
	}
	return nil
}

// volumeRate checks a rate that some types of volumes have, within bounds.
func volumeRate(parameter, kind string, n *int32, bounds map[string][2]int32) error {
	b, ok := bounds[kind]
	if n != nil && !ok {
		return awserr.EC2Combination("The parameter " + parameter + " is not supported for " + kind + " volumes.")
	}
	return inRange(parameter, n, b[0], b[1])
}

// refuseMix refuses parameters of a request on rules that would not count beside others.
func (q ruleRequest) refuseMix() error {
	old := q.cidr != nil || q.sourceName != nil || q.protocol != nil
	switch {
	case set(q.groupID) && set(q.groupName):
		return bothNames()
	case len(q.permissions) > 0 && (old || q.from != nil || q.to != nil || q.sourceOwner != nil):
		return awserr.EC2Combination("The parameter 'ipPermissions' may not be used in combination with the parameters of a single permission")
	case q.sourceOwner != nil && q.sourceName == nil:
		return awserr.EC2Combination("The parameter 'sourceSecurityGroupOwnerId' needs 'sourceSecurityGroupName'")
	case !old && (q.from != nil || q.to != nil):
		return awserr.EC2MissingParameter("ipProtocol")
	}
	return nil
}

func bothNames() error {
	return awserr.EC2Combination("The parameters 'groupId' and 'groupName' may not be used in combination")
}

// checkRuleText checks the description of a rule.
func checkRuleText(text string) error {
	if groupWord(text) {
		return nil
	}
	return awserr.EC2InvalidValue("Invalid rule description. Valid descriptions are strings less than 256 characters from " +
		"the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*")
}

// checkDomains checks names separated by blanks, as instances get them in resolv.conf. (RFC 1123, section 2.1.)
func checkDomains(values []string) error {
	if len(values) > 1 {
		return awserr.EC2InvalidParameter("domain-name", values[1], "The option has one value, which may have names separated by blanks.")
	}
	for _, v := range values {
		for name := range strings.SplitSeq(v, " ") {
			if !domainName(name) {
				return awserr.EC2InvalidParameter("domain-name", v, "Not a domain name.")
			}
		}
	}
	return nil
}

func domainName(name string) bool {
	name = strings.TrimSuffix(name, ".")
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return len(name) <= 253
}

// isASCII tells whether a text has only printable ASCII characters.
func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
