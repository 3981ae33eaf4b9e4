package ec2

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// DescribeInstanceAttribute tells one attribute of an instance.
func (s *Service) DescribeInstanceAttribute(_ context.Context, c world.Caller, in *ec2api.DescribeInstanceAttributeInput) (*ec2api.DescribeInstanceAttributeOutput, error) {
	v := s.look(c)
	i, err := v.liveInstance(in.InstanceId)
	if err != nil {
		return nil, err
	}
	text := func(s string) *ec2api.AttributeValue { return &ec2api.AttributeValue{Value: new(s)} }
	yes := func(b bool) *ec2api.AttributeBooleanValue { return &ec2api.AttributeBooleanValue{Value: new(b)} }
	out := &ec2api.DescribeInstanceAttributeOutput{InstanceId: in.InstanceId}
	enis := v.enisOf(i.ID)
	switch val(in.Attribute) {
	case "instanceType":
		out.InstanceType = text(i.Type)
	case "userData":
		out.UserData = &ec2api.AttributeValue{}
		if len(i.UserData) > 0 {
			out.UserData = text(base64.StdEncoding.EncodeToString(i.UserData))
		}
	case "disableApiTermination":
		out.DisableApiTermination = yes(i.TerminationLock)
	case "disableApiStop":
		out.DisableApiStop = yes(i.StopLock)
	case "instanceInitiatedShutdownBehavior":
		out.InstanceInitiatedShutdownBehavior = text(i.ShutdownBehavior)
	case "rootDeviceName":
		out.RootDeviceName = text(i.Volume.Device)
	case "blockDeviceMapping":
		out.BlockDeviceMappings = []ec2api.InstanceBlockDeviceMapping{v.rootDevice(i)}
	case "sourceDestCheck":
		out.SourceDestCheck = yes(len(enis) > 0 && enis[0].SourceDestCheck)
	case "groupSet":
		out.Groups = []ec2api.GroupIdentifier{}
		if len(enis) > 0 {
			out.Groups = v.groupNames(enis[0].Groups)
		}
	case "ebsOptimized":
		out.EbsOptimized = yes(i.EBSOptimized)
	case "enaSupport":
		out.EnaSupport = yes(true)
	case "enclaveOptions":
		out.EnclaveOptions = &ec2api.EnclaveOptions{Enabled: new(false)}
	case "sriovNetSupport":
		out.SriovNetSupport = text("simple")
	case "productCodes":
		out.ProductCodes = []ec2api.ProductCode{}
	case "kernel":
		out.KernelId = &ec2api.AttributeValue{}
	case "ramdisk":
		out.RamdiskId = &ec2api.AttributeValue{}
	default:
		return nil, awserr.EC2InvalidParameter("attribute", val(in.Attribute), "Unknown attribute.")
	}
	return out, dryRun(in.DryRun)
}

// ModifyInstanceAttribute changes one attribute of an instance.
func (s *Service) ModifyInstanceAttribute(ctx context.Context, c world.Caller, in *ec2api.ModifyInstanceAttributeInput) (*ec2api.ModifyInstanceAttributeOutput, error) {
	if err := named(in); err != nil {
		return nil, err
	}
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		v := &view{w: tx.World, seen: s.store.Seen(), c: c, now: tx.Now}
		i, err := v.liveInstance(in.InstanceId)
		if err != nil {
			return err
		}
		if i.Power == world.Terminated {
			return ended(i)
		}
		given, err := changeInstance(tx, &i, in, state(i, v.seen))
		if err != nil {
			return err
		}
		if in.SourceDestCheck != nil || in.Groups != nil {
			given = append(given, "networkInterface")
			if err := changeFirstENI(tx, c, i, in); err != nil {
				return err
			}
		}
		if err := oneAttribute(given); err != nil {
			return err
		}
		i.Updated = tx.Now
		tx.Instances.Put(i)
		return nil
	})
	return &ec2api.ModifyInstanceAttributeOutput{}, err
}

// named turns the form Attribute=NAME, Value=TEXT into that with a member for each attribute.
func named(in *ec2api.ModifyInstanceAttributeInput) error {
	if in.Attribute == nil {
		if in.Value != nil {
			return awserr.EC2MissingParameter("attribute")
		}
		return nil
	}
	if in.InstanceType != nil || in.UserData != nil || in.DisableApiTermination != nil || in.DisableApiStop != nil || in.SourceDestCheck != nil ||
		in.InstanceInitiatedShutdownBehavior != nil || in.EbsOptimized != nil || in.EnaSupport != nil {
		return awserr.EC2Combination("Fields for multiple attribute types specified: " + *in.Attribute + " and a parameter of its own")
	}
	text := &ec2api.AttributeValue{Value: in.Value}
	yes := &ec2api.AttributeBooleanValue{Value: new(strings.EqualFold(val(in.Value), "true"))}
	if slices.Contains([]string{"disableApiTermination", "disableApiStop", "sourceDestCheck", "ebsOptimized", "enaSupport"}, *in.Attribute) &&
		!strings.EqualFold(val(in.Value), "true") && !strings.EqualFold(val(in.Value), "false") {
		return awserr.EC2InvalidParameter("value", val(in.Value), "Expecting true or false.")
	}
	switch *in.Attribute {
	case "instanceType":
		in.InstanceType = text
	case "userData":
		data, err := decodeUserData(val(in.Value))
		if err != nil {
			return err
		}
		in.UserData = &ec2api.BlobAttributeValue{Value: data}
	case "disableApiTermination":
		in.DisableApiTermination = yes
	case "disableApiStop":
		in.DisableApiStop = yes
	case "instanceInitiatedShutdownBehavior":
		in.InstanceInitiatedShutdownBehavior = text
	case "sourceDestCheck":
		in.SourceDestCheck = yes
	case "ebsOptimized":
		in.EbsOptimized = yes
	case "enaSupport":
		in.EnaSupport = yes
	case "groupSet", "blockDeviceMapping": // have members of their own
	default:
		return awserr.EC2InvalidParameter("attribute", *in.Attribute, "Unknown attribute.")
	}
	return nil
}

// changeInstance applies a request to the instance itself and names the attributes it is about.
func changeInstance(tx *world.Tx, i *world.Instance, in *ec2api.ModifyInstanceAttributeInput, now instanceState) ([]string, error) {
	var given []string
	if in.DisableApiTermination != nil {
		given = append(given, "disableApiTermination")
		i.TerminationLock = val(in.DisableApiTermination.Value)
	}
	if in.DisableApiStop != nil {
		given = append(given, "disableApiStop")
		i.StopLock = val(in.DisableApiStop.Value)
	}
	if in.EnaSupport != nil {
		given = append(given, "enaSupport")
		if !val(in.EnaSupport.Value) {
			return nil, awserr.EC2InvalidParameter("enaSupport", "false", "It cannot be taken away.")
		}
	}
	if b := in.InstanceInitiatedShutdownBehavior; b != nil {
		given = append(given, "instanceInitiatedShutdownBehavior")
		if val(b.Value) != "stop" && val(b.Value) != "terminate" {
			return nil, awserr.EC2InvalidParameter("instanceInitiatedShutdownBehavior", val(b.Value), "Expecting stop or terminate.")
		}
		i.ShutdownBehavior = *b.Value
	}
	if len(in.BlockDeviceMappings) > 0 {
		given = append(given, "blockDeviceMapping")
		for _, m := range in.BlockDeviceMappings {
			if val(m.DeviceName) != i.Volume.Device || m.Ebs == nil {
				return nil, awserr.EC2Code("InvalidInstanceAttributeValue", "No device is currently mapped at %s", val(m.DeviceName))
			}
			i.Volume.DeleteOnTermination = val(m.Ebs.DeleteOnTermination)
		}
	}
	if in.Kernel != nil || in.Ramdisk != nil || in.SriovNetSupport != nil {
		return nil, unsupported("Kernels, RAM disks and SR-IOV settings are not built.")
	}
	asleep, err := changeStopped(tx, i, in, now)
	return append(given, asleep...), err
}

// changeStopped applies what only a stopped instance can have changed.
func changeStopped(tx *world.Tx, i *world.Instance, in *ec2api.ModifyInstanceAttributeInput, now instanceState) ([]string, error) {
	var given []string
	if in.InstanceType != nil {
		given = append(given, "instanceType")
		if err := changeType(tx, i, val(in.InstanceType.Value)); err != nil {
			return nil, err
		}
	}
	if in.EbsOptimized != nil {
		given = append(given, "ebsOptimized")
		i.EBSOptimized = val(in.EbsOptimized.Value)
	}
	if in.UserData != nil {
		given = append(given, "userData")
		if len(in.UserData.Value) > maxUserData {
			return nil, awserr.EC2InvalidValue("User data is limited to 16384 bytes")
		}
		i.UserData = slices.Clone(in.UserData.Value)
	}
	if len(given) > 0 && now != stopped {
		return nil, notStopped(*i)
	}
	return given, nil
}

func notStopped(i world.Instance) error {
	return awserr.EC2IncorrectState("The instance '" + string(i.ID) + "' is not in the 'stopped' state.")
}

// changeType makes an instance one of another type, which must run its image and have room for its interfaces.
func changeType(tx *world.Tx, i *world.Instance, name string) error {
	v := &view{w: tx.World, c: world.Caller{Account: i.Account, Region: i.Region}}
	t, err := runType(&ec2api.RunInstancesInput{InstanceType: new(name)}, v.imageOf(i.Image))
	if err != nil {
		return err
	}
	enis := v.enisOf(i.ID)
	if len(enis) > t.enis {
		return awserr.EC2Limit("AttachmentLimitExceeded", "Interface count "+itoa(len(enis))+" exceeds the limit for "+t.name)
	}
	for _, e := range enis {
		if err := checkSlots(slotsOf(e), t); err != nil {
			return err
		}
	}
	i.Type, i.Credits = t.name, t.credits()
	return nil
}

// changeFirstENI applies what an instance's attributes say of its interface.
func changeFirstENI(tx *world.Tx, c world.Caller, i world.Instance, in *ec2api.ModifyInstanceAttributeInput) error {
	enis := tx.ENIsOf(i.ID)
	if len(enis) != 1 {
		return awserr.EC2Code("InvalidInstanceID", "There are multiple interfaces attached to instance '%s'. Please specify an interface ID "+
			"for the operation instead.", i.ID)
	}
	e := enis[0]
	if in.SourceDestCheck != nil {
		e.SourceDestCheck = val(in.SourceDestCheck.Value)
	}
	if in.Groups != nil {
		n, _ := tx.Subnets.Get(e.Subnet)
		groups, err := groupsFor(&tx.World, c, n, in.Groups)
		if err != nil {
			return err
		}
		e.Groups = groups
	}
	tx.Touch(&e.Meta)
	tx.ENIs.Put(e)
	return nil
}

// ModifyInstanceMetadataOptions changes how an instance's metadata service behaves.
func (s *Service) ModifyInstanceMetadataOptions(ctx context.Context, c world.Caller, in *ec2api.ModifyInstanceMetadataOptionsInput) (*ec2api.ModifyInstanceMetadataOptionsOutput, error) {
	w := s.store.World()
	defaults := w.MetadataDefaultsOf(c)
	i, err := s.prefer(ctx, c, in.InstanceId, in.DryRun, func(i *world.Instance, _ instanceState) error {
		if err := setMetadata(&i.Metadata, &ec2api.InstanceMetadataOptionsRequest{
			HttpTokens: in.HttpTokens, HttpEndpoint: in.HttpEndpoint, HttpPutResponseHopLimit: in.HttpPutResponseHopLimit,
			HttpProtocolIpv6: in.HttpProtocolIpv6, InstanceMetadataTags: in.InstanceMetadataTags,
		}); err != nil || in.HttpTokens == nil {
			return err
		}
		return enforceTokens(defaults, i.Metadata)
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.ModifyInstanceMetadataOptionsOutput{InstanceId: in.InstanceId, InstanceMetadataOptions: metadata(i, "pending")}, nil
}

// ResetInstanceAttribute makes an instance check sources and destinations again; there are no kernels and RAM disks to
// reset.
func (s *Service) ResetInstanceAttribute(ctx context.Context, c world.Caller, in *ec2api.ResetInstanceAttributeInput) (*ec2api.ResetInstanceAttributeOutput, error) {
	if err := need("attribute", in.Attribute); err != nil {
		return nil, err
	}
	if *in.Attribute != "sourceDestCheck" {
		return nil, awserr.EC2InvalidParameter("attribute", *in.Attribute, "Expecting sourceDestCheck.")
	}
	_, err := s.ModifyInstanceAttribute(ctx, c, &ec2api.ModifyInstanceAttributeInput{
		InstanceId: in.InstanceId, DryRun: in.DryRun, SourceDestCheck: &ec2api.AttributeBooleanValue{Value: new(true)},
	})
	return &ec2api.ResetInstanceAttributeOutput{}, err
}
