package ec2

import (
	"cmp"
	"net/netip"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// described are the caller's instances that can be described.
func (v *view) described() source[world.InstanceID, world.Instance] {
	return source[world.InstanceID, world.Instance]{&v.w.Instances, func(i world.Instance) bool { return i.OwnedBy(v.c) && !forgotten(i, v.now) }}
}

// liveInstances are all of them.
func (v *view) liveInstances() []world.Instance { return v.described().rows() }

// instance describes an instance.
func (v *view) instance(i world.Instance) ec2api.Instance {
	t, _ := findType(i.Type)
	img := v.imageOf(i.Image)
	out := ec2api.Instance{
		InstanceId: new(string(i.ID)), ImageId: new(i.Image), State: state(i, v.seen).describe(), PrivateDnsName: new(""), PublicDnsName: new(""),
		StateTransitionReason: new(i.Reason), AmiLaunchIndex: new(int32(i.LaunchIndex)), ProductCodes: []ec2api.ProductCode{},
		InstanceType: new(i.Type), LaunchTime: new(i.Launched), Placement: v.placement(i), Monitoring: monitoring(i),
		Architecture: new(img.architecture(t)), RootDeviceName: new(img.root), RootDeviceType: new("ebs"),
		BlockDeviceMappings: []ec2api.InstanceBlockDeviceMapping{}, VirtualizationType: new("hvm"), ClientToken: new(i.ClientToken),
		Hypervisor: new("xen"), EbsOptimized: new(i.EBSOptimized), EnaSupport: new(true), Tags: tags(i.Meta),
		NetworkInterfaces: []ec2api.InstanceNetworkInterface{}, SecurityGroups: []ec2api.GroupIdentifier{},
		CpuOptions:                       &ec2api.CpuOptions{CoreCount: new(int32(t.vcpus / max(t.threads, 1))), ThreadsPerCore: new(int32(t.threads))},
		CapacityReservationSpecification: &ec2api.CapacityReservationSpecificationResponse{CapacityReservationPreference: new(cmp.Or(i.Capacity, "open"))},
		HibernationOptions:               &ec2api.HibernationOptions{Configured: new(false)}, MetadataOptions: metadata(i, "applied"),
		EnclaveOptions: &ec2api.EnclaveOptions{Enabled: new(false)}, BootMode: new("uefi-preferred"), CurrentInstanceBootMode: new("legacy-bios"),
		PlatformDetails: new("Linux/UNIX"), UsageOperation: new("RunInstances"), UsageOperationUpdateTime: new(i.Created),
		PrivateDnsNameOptions: &ec2api.PrivateDnsNameOptionsResponse{HostnameType: new(i.HostnameType()), EnableResourceNameDnsARecord: new(i.ResourceNameA),
			EnableResourceNameDnsAAAARecord: new(false)},
		MaintenanceOptions:        maintenance(i),
		NetworkPerformanceOptions: &ec2api.InstanceNetworkPerformanceOptions{BandwidthWeighting: new("default")},
		Operator:                  &ec2api.OperatorResponse{Managed: new(false)},
	}
	if i.KeyName != "" {
		out.KeyName = new(i.KeyName)
	}
	if i.InstanceProfile != "" {
		out.IamInstanceProfile = v.profileOf(i)
	}
	if code, text := stateReason(i, state(i, v.seen)); code != "" {
		out.StateReason = &ec2api.StateReason{Code: new(code), Message: new(text)}
	}
	if state(i, v.seen) != terminated {
		v.addNetwork(&out, i)
		out.BlockDeviceMappings = []ec2api.InstanceBlockDeviceMapping{v.rootDevice(i)}
	}
	return out
}

// addNetwork tells where the instance is and by what addresses; nothing of that is left of a terminated one.
func (v *view) addNetwork(out *ec2api.Instance, i world.Instance) {
	out.VpcId, out.SubnetId = new(string(i.VPC)), new(string(i.Subnet))
	enis := v.enisOf(i.ID)
	out.NetworkInterfaces = each(enis, v.instanceENI)
	if len(enis) == 0 {
		return
	}
	e := enis[0]
	if a := v.association(e, e.Addr()); a != nil {
		out.PublicIpAddress, out.PublicDnsName = a.PublicIp, a.PublicDnsName
	}
	out.PrivateIpAddress, out.PrivateDnsName = new(e.Addr().String()), new(i.PrivateName(e.Addr()))
	out.SourceDestCheck, out.SecurityGroups = new(e.SourceDestCheck), v.groupNames(e.Groups)
}

func (v *view) instanceENI(e world.ENI) ec2api.InstanceNetworkInterface {
	out := ec2api.InstanceNetworkInterface{
		NetworkInterfaceId: new(string(e.ID)), OwnerId: new(string(e.Account)), VpcId: new(string(e.VPC)), SubnetId: new(string(e.Subnet)),
		Description: new(e.Description), InterfaceType: new(e.InterfaceType), MacAddress: new(e.MAC), Status: new("in-use"),
		SourceDestCheck: new(e.SourceDestCheck), Groups: v.groupNames(e.Groups), Ipv6Addresses: []ec2api.InstanceIpv6Address{},
		PrivateIpAddress: new(e.Addr().String()), PrivateDnsName: v.eniName(e, e.Addr()), Operator: &ec2api.OperatorResponse{Managed: new(false)},
		PrivateIpAddresses: each(e.Addrs, func(a netip.Addr) ec2api.InstancePrivateIpAddress {
			return ec2api.InstancePrivateIpAddress{Primary: new(a == e.Addr()), PrivateIpAddress: new(a.String()), PrivateDnsName: v.eniName(e, a),
				Association: v.instanceAssociation(e, a)}
		}),
		Association: v.instanceAssociation(e, e.Addr()),
		Attachment: &ec2api.InstanceNetworkInterfaceAttachment{
			AttachmentId: new(e.Attachment.ID), AttachTime: new(e.Attachment.Time), DeviceIndex: new(int32(e.Attachment.DeviceIndex)),
			NetworkCardIndex: new(int32(0)), Status: new(v.attachmentStatus(e)), DeleteOnTermination: new(e.Attachment.DeleteOnTermination),
		},
	}
	if len(e.Prefixes) > 0 {
		out.Ipv4Prefixes = each(e.Prefixes, func(p netip.Prefix) ec2api.InstanceIpv4Prefix {
			return ec2api.InstanceIpv4Prefix{Ipv4Prefix: new(p.String())}
		})
	}
	return out
}

func (v *view) placement(i world.Instance) *ec2api.Placement {
	p := &ec2api.Placement{GroupName: new(""), Tenancy: new("default")}
	if n, ok := v.w.Subnets.Get(i.Subnet); ok {
		p.AvailabilityZone, p.AvailabilityZoneId = new(n.Zone), new(world.ZoneID(i.Region, n.Zone))
	}
	return p
}

func (v *view) rootDevice(i world.Instance) ec2api.InstanceBlockDeviceMapping {
	return ec2api.InstanceBlockDeviceMapping{DeviceName: new(i.Volume.Device), Ebs: &ec2api.EbsInstanceBlockDevice{
		VolumeId: new(i.Volume.ID), Status: new("attached"), AttachTime: new(i.Created), DeleteOnTermination: new(i.Volume.DeleteOnTermination),
	}}
}

func monitoring(i world.Instance) *ec2api.Monitoring {
	if i.Monitoring {
		return &ec2api.Monitoring{State: new("enabled")}
	}
	return &ec2api.Monitoring{State: new("disabled")}
}

// stateReason says why an instance is not running.
func stateReason(i world.Instance, s instanceState) (code, text string) {
	switch s {
	case pending:
		return "pending", "pending"
	case running:
		return "", ""
	}
	return i.StateReasonCode, i.StateReason
}

// word is one of two words.
func word(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

func metadata(i world.Instance, state string) *ec2api.InstanceMetadataOptionsResponse {
	return &ec2api.InstanceMetadataOptionsResponse{
		State: new(state), HttpTokens: new(word(i.Metadata.Tokens, "required", "optional")), HttpPutResponseHopLimit: new(int32(i.Metadata.HopLimit)),
		HttpEndpoint: new(word(i.Metadata.Endpoint, "enabled", "disabled")), HttpProtocolIpv6: new("disabled"),
		InstanceMetadataTags: new(word(i.Metadata.Tags, "enabled", "disabled")),
	}
}

// setMetadata applies the metadata options of a request.
func setMetadata(m *world.MetadataOptions, in *ec2api.InstanceMetadataOptionsRequest) error {
	choose := func(name string, given *string, to *bool, yes, no string) error {
		switch val(given) {
		case "":
		case yes:
			*to = true
		case no:
			*to = false
		default:
			return awserr.EC2InvalidParameter(name, *given, "Expecting "+yes+" or "+no+".")
		}
		return nil
	}
	if err := choose("httpTokens", in.HttpTokens, &m.Tokens, "required", "optional"); err != nil {
		return err
	}
	if err := choose("httpEndpoint", in.HttpEndpoint, &m.Endpoint, "enabled", "disabled"); err != nil {
		return err
	}
	if err := choose("instanceMetadataTags", in.InstanceMetadataTags, &m.Tags, "enabled", "disabled"); err != nil {
		return err
	}
	if err := oneOf("httpProtocolIpv6", in.HttpProtocolIpv6, "enabled", "disabled"); err != nil {
		return err
	}
	if val(in.HttpProtocolIpv6) == "enabled" {
		return unsupported("IPv6 is not built: httpProtocolIpv6 cannot be enabled.")
	}
	if n := in.HttpPutResponseHopLimit; n != nil {
		if *n < 1 || *n > 64 {
			return awserr.EC2InvalidValue("HttpPutResponseHopLimit must be between 1 and 64")
		}
		m.HopLimit = int(*n)
	}
	return nil
}
