package ec2

import (
	"context"
	"strconv"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// volume is the root volume of an instance. Volumes are not rows of their own: they live as long as their instance.
type volume struct {
	*world.Volume
	of *world.Instance
	in *view
}

// RowID is the volume's id.
func (v volume) RowID() string { return v.ID }

func (v volume) zone() string { return v.in.instanceZone(*v.of) }

func (v *view) volumes() []volume {
	var out []volume
	live := v.liveInstances()
	for n := range live {
		if i := &live[n]; i.TerminatedAt.IsZero() {
			out = append(out, volume{&i.Volume, i, v})
		}
	}
	return out
}

func (v volume) describe() ec2api.Volume {
	out := ec2api.Volume{
		VolumeId: new(v.ID), Size: new(int32(v.Size)), VolumeType: new(v.Type), State: new("in-use"), CreateTime: new(v.of.Created),
		Encrypted: new(false), MultiAttachEnabled: new(false), SnapshotId: new(snapshotOf(v.of.Image)), AvailabilityZone: new(v.zone()),
		AvailabilityZoneId: new(world.ZoneID(v.of.Region, v.zone())), Operator: &ec2api.OperatorResponse{Managed: new(false)},
		Attachments: []ec2api.VolumeAttachment{{
			VolumeId: new(v.ID), InstanceId: new(string(v.of.ID)), Device: new(v.Device), State: new("attached"), AttachTime: new(v.of.Created),
			DeleteOnTermination: new(v.DeleteOnTermination),
		}},
	}
	if len(v.Tags) > 0 {
		out.Tags = tagList(v.Tags)
	}
	if v.IOPS > 0 {
		out.Iops = new(int32(v.IOPS))
	}
	if v.Throughput > 0 {
		out.Throughput = new(int32(v.Throughput))
	}
	return out
}

// DescribeVolumes lists the root volumes of the caller's instances.
func (s *Service) DescribeVolumes(_ context.Context, c world.Caller, in *ec2api.DescribeVolumesInput) (*ec2api.DescribeVolumesOutput, error) {
	v := s.look(c)
	no := flag(func(volume) bool { return false })
	filters := listing.Filters[volume]{
		Tags: func(v volume) []world.Tag { return v.Tags },
		Fields: map[string]func(volume) []string{
			"volume-id":                        one(func(v volume) string { return v.ID }),
			"volume-type":                      one(func(v volume) string { return v.Type }),
			"size":                             one(func(v volume) string { return itoa(v.Size) }),
			"status":                           one(func(volume) string { return "in-use" }),
			"availability-zone":                one(func(v volume) string { return v.zone() }),
			"availability-zone-id":             one(func(v volume) string { return world.ZoneID(v.of.Region, v.zone()) }),
			"snapshot-id":                      one(func(v volume) string { return snapshotOf(v.of.Image) }),
			"create-time":                      one(func(v volume) string { return ec2Time(v.of.Created) }),
			"attachment.instance-id":           one(func(v volume) world.InstanceID { return v.of.ID }),
			"attachment.device":                one(func(v volume) string { return v.Device }),
			"attachment.status":                one(func(volume) string { return "attached" }),
			"attachment.attach-time":           one(func(v volume) string { return ec2Time(v.of.Created) }),
			"attachment.delete-on-termination": one(func(v volume) string { return strconv.FormatBool(v.DeleteOnTermination) }),
			"encrypted":                        no, "multi-attach-enabled": no, "fast-restored": no, "operator.managed": no, "operator.principal": never[volume],
		},
	}
	page, next, err := list(query{"volume", in.VolumeIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun}, v.volumes(), filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeVolumesOutput{Volumes: each(page, volume.describe), NextToken: next}, nil
}

// volumeOwner is the instance whose root volume has the given id.
func volumeOwner(w *world.World, c world.Caller, id string) (world.Instance, bool) {
	for i := range w.Instances.In(id) {
		if i.OwnedBy(c) && i.TerminatedAt.IsZero() {
			return i, true
		}
	}
	return world.Instance{}, false
}
