package ec2

import (
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// maxDevice is the highest device index an interface can have.
const maxDevice = 99

func wrongDevice(n int) error {
	return awserr.EC2InvalidParameter("deviceIndex", itoa(n), "Expecting a value from 0 to "+itoa(maxDevice)+".")
}

func eniInUse(e world.ENI) error {
	return awserr.EC2Code("InvalidNetworkInterface.InUse", "Interface: [%s] in use.", e.ID)
}

// slotsOf is how many addresses and prefixes an interface has.
func slotsOf(e world.ENI) int { return len(e.Addrs) + len(e.Prefixes) }

// AttachNetworkInterface plugs an interface into a running or stopped instance.
func (s *Service) AttachNetworkInterface(ctx context.Context, c world.Caller, in *ec2api.AttachNetworkInterfaceInput) (*ec2api.AttachNetworkInterfaceOutput, error) {
	if in.DeviceIndex == nil {
		return nil, awserr.EC2MissingParameter("deviceIndex")
	}
	if err := notBuilt("Network cards and ENA settings are", val(in.NetworkCardIndex) != 0, in.EnaSrdSpecification != nil, in.EnaQueueCount != nil); err != nil {
		return nil, err
	}
	device := int(*in.DeviceIndex)
	if device < 0 || device > maxDevice {
		return nil, wrongDevice(device)
	}
	var id string
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		v := &view{w: tx.World, seen: s.store.Seen(), c: c, now: tx.Now}
		e, err := permittedENI(tx, c, in.NetworkInterfaceId, world.InstanceAttach)
		if err != nil {
			return err
		}
		i, err := v.liveInstance(in.InstanceId)
		if err != nil {
			return err
		}
		if err := v.attachable(e, i, device); err != nil {
			return err
		}
		id = tx.NewID("eni-attach")
		e.Attachment = world.Attachment{ID: id, Instance: i.ID, DeviceIndex: device, Time: tx.Now, Rev: tx.Rev}
		tx.Touch(&e.Meta)
		tx.ENIs.Put(e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.AttachNetworkInterfaceOutput{AttachmentId: new(id), NetworkCardIndex: new(int32(0))}, nil
}

// attachable tells whether an interface can become a device of an instance.
func (v *view) attachable(e world.ENI, i world.Instance, device int) error {
	if attached(e) {
		return eniInUse(e)
	}
	if now := state(i, v.seen); now != running && now != stopped {
		return awserr.EC2Code("IncorrectState", "Instance '%s' is not 'running' or 'stopped'.", i.ID)
	}
	if e.VPC != i.VPC && e.Account == i.Account {
		return awserr.EC2Combination("You may not attach a network interface to an instance if they are not in the same VPC")
	}
	n, _ := v.w.Subnets.Get(e.Subnet)
	if n.Zone != v.instanceZone(i) {
		return awserr.EC2Combination("You may not attach a network interface to an instance if they are not in the same availability zone")
	}
	have := v.w.ENIsOf(i.ID)
	if slices.ContainsFunc(have, func(o world.ENI) bool { return o.Attachment.DeviceIndex == device }) {
		return awserr.EC2InvalidValue("Instance '" + string(i.ID) + "' already has an interface attached at device index '" + itoa(device) + "'.")
	}
	t, _ := findType(i.Type)
	if len(have) >= t.enis {
		return awserr.EC2Limit("AttachmentLimitExceeded", "Interface count "+itoa(len(have)+1)+" exceeds the limit for "+t.name)
	}
	return checkSlots(slotsOf(e), t)
}

// findAttachment is the interface that is attached under the given id, of the caller or to an instance of the caller's.
func findAttachment(tx *world.Tx, c world.Caller, id *string) (world.ENI, error) {
	if strings.HasPrefix(val(id), "ela-attach-") {
		return world.ENI{}, notYours()
	}
	if err := awserr.EC2CheckID("network-interface-attachment", val(id)); err != nil {
		return world.ENI{}, err
	}
	for e := range tx.ENIs.In(*id) {
		if i, _ := tx.Instances.Get(e.Attachment.Instance); e.OwnedBy(c) || i.OwnedBy(c) {
			return e, nil
		}
	}
	return world.ENI{}, noAttachment(*id)
}

func noAttachment(id string) error {
	return awserr.EC2Code("InvalidAttachmentID.NotFound", "The attachment '%s' does not exist.", id)
}

// DetachNetworkInterface unplugs an interface from its instance. The attachment goes once the kernel has no cable left;
// see Finish.
func (s *Service) DetachNetworkInterface(ctx context.Context, c world.Caller, in *ec2api.DetachNetworkInterfaceInput) (*ec2api.DetachNetworkInterfaceOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		e, err := findAttachment(tx, c, in.AttachmentId)
		switch {
		case err != nil:
			return err
		case e.RequesterManaged:
			return notYours()
		case e.Attachment.DeviceIndex == 0:
			return awserr.EC2NotPermitted("The network interface at device index 0 and networkCard index 0 cannot be detached.")
		case e.Attachment.Detaching:
			return nil
		}
		e.Attachment.Detaching, e.Attachment.Rev = true, tx.Rev
		tx.Touch(&e.Meta)
		tx.ENIs.Put(e)
		return nil
	})
	return &ec2api.DetachNetworkInterfaceOutput{}, err
}

// unplugged tells whether an attachment that was asked to end has no cable left.
func unplugged(e world.ENI, seen store.Seen) bool {
	return e.Attachment.Detaching && seen.Ready(e.Attachment.Rev, string(e.VPC), string(e.Attachment.Instance))
}

// finishDetaching ends the attachments that have no cable left. It changes nothing the network must be.
func finishDetaching(tx *world.Tx, seen store.Seen) {
	for _, e := range tx.Detaching() {
		if !unplugged(e, seen) {
			continue
		}
		e.Attachment, e.Updated = world.Attachment{}, tx.Now
		tx.ENIs.Put(e)
	}
}
