package ec2

import (
	"cmp"
	"context"
	"encoding/base64"
	"maps"
	"net/netip"
	"slices"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// launch is a checked request to run instances.
type launch struct {
	in      *ec2api.RunInstancesInput
	c       world.Caller
	image   image
	kind    instanceType
	data    []byte
	profile world.InstanceProfile
	tags    map[string][]world.Tag
	volume  world.Volume
	meta    world.MetadataOptions
	nics    []nic
	subnet  world.Subnet
	key     world.KeyPair
	least   int
	most    int
	used    map[world.SubnetID]map[netip.Addr]bool // in the transaction
	public  []netip.Addr                           // to be given to the instances
}

// RunInstances starts instances: as many as MaxCount, or as there are addresses for if that is no fewer than MinCount.
func (s *Service) RunInstances(ctx context.Context, c world.Caller, in *ec2api.RunInstancesInput) (*ec2api.RunInstancesOutput, error) {
	l, err := s.checkRun(c, in)
	if err != nil {
		return nil, err
	}
	var reservation string
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		reservation, err = tokenCall{c, "RunInstances", in.ClientToken, in}.once(tx, func() (string, error) { return l.run(tx) })
		return err
	})
	if err != nil {
		return nil, err
	}
	rows := slices.Collect(v.w.Instances.In(reservation))
	slices.SortFunc(rows, func(a, b world.Instance) int { return a.LaunchIndex - b.LaunchIndex })
	r := reservationOf(rows, v.instance)
	return &ec2api.RunInstancesOutput{ReservationId: new(reservation), OwnerId: new(string(c.Account)), Groups: r.Groups, Instances: r.Instances}, nil
}

// checkRun checks what can be checked without a transaction.
func (s *Service) checkRun(c world.Caller, in *ec2api.RunInstancesInput) (*launch, error) {
	if err := cmp.Or(refuseRun(in), refuseRunDetails(in)); err != nil {
		return nil, err
	}
	l := &launch{in: in, c: c, least: int(val(in.MinCount)), most: int(val(in.MaxCount))}
	if l.least < 1 {
		return nil, awserr.EC2InvalidParameter("minCount", itoa(l.least), "Expecting a value of at least 1.")
	}
	if l.most < l.least || l.most > maxInstancesPerRun {
		return nil, awserr.EC2InvalidParameter("maxCount", itoa(l.most), "Expecting a value from minCount to "+itoa(maxInstancesPerRun)+".")
	}
	var err error
	if l.image, err = findImage(c.Region, in.ImageId, s.strict); err != nil {
		return nil, err
	}
	if l.kind, err = runType(in, l.image); err != nil {
		return nil, err
	}
	if l.data, err = decodeUserData(val(in.UserData)); err != nil {
		return nil, err
	}
	w := s.store.World()
	if l.profile, err = findProfile(&w, c, in.IamInstanceProfile); err != nil {
		return nil, err
	}
	if l.tags, err = specTags(in.TagSpecifications, "instance", "volume", "network-interface", "spot-instances-request", "elastic-gpu"); err != nil {
		return nil, err
	}
	if l.volume, err = rootVolume(in, l.image); err != nil {
		return nil, err
	}
	switch val(in.InstanceInitiatedShutdownBehavior) {
	case "", "stop", "terminate":
	default:
		return nil, awserr.EC2InvalidParameter("instanceInitiatedShutdownBehavior", *in.InstanceInitiatedShutdownBehavior, "Expecting stop or terminate.")
	}
	if in.CreditSpecification != nil && val(in.CreditSpecification.CpuCredits) != "standard" && val(in.CreditSpecification.CpuCredits) != "unlimited" {
		return nil, awserr.EC2InvalidParameter("cpuCredits", val(in.CreditSpecification.CpuCredits), "Expecting standard or unlimited.")
	}
	if l.meta, err = launchMetadata(l.image, w.MetadataDefaultsOf(c), in.MetadataOptions); err != nil {
		return nil, err
	}
	l.nics, err = readNICs(in)
	return l, err
}

// refuseRun refuses what RunInstances can be asked for but is not built.
func refuseRun(in *ec2api.RunInstancesInput) error {
	place := in.Placement
	asked := map[string]bool{
		"Launch templates":      in.LaunchTemplate != nil,
		"Spot instances":        in.InstanceMarketOptions != nil,
		"IPv6":                  len(in.Ipv6Addresses) > 0 || val(in.Ipv6AddressCount) != 0 || val(in.EnablePrimaryIpv6),
		"Kernels and RAM disks": val(in.KernelId) != "" || val(in.RamdiskId) != "",
		"Accelerators":          len(in.ElasticGpuSpecification) > 0 || len(in.ElasticInferenceAccelerators) > 0,
		"Hibernation":           in.HibernationOptions != nil && val(in.HibernationOptions.Configured),
		"Enclaves":              in.EnclaveOptions != nil && val(in.EnclaveOptions.Enabled),
		"Licenses":              len(in.LicenseSpecifications) > 0,
		"Secondary interfaces":  len(in.SecondaryInterfaces) > 0,
		"CPU options":           in.CpuOptions != nil,
		"Placement groups, hosts and dedicated tenancy": place != nil && (val(place.GroupName) != "" || val(place.GroupId) != "" ||
			val(place.HostId) != "" || val(place.HostResourceGroupArn) != "" || val(place.Tenancy) != "" && *place.Tenancy != "default"),
	}
	for _, what := range sortedKeys(asked) {
		if asked[what] {
			return unsupported(what + " are not built.")
		}
	}
	return nil
}

// runType is the type of instance asked for; m1.small when none was. (Amazon EC2 API Reference, RunInstances.)
func runType(in *ec2api.RunInstancesInput, i image) (instanceType, error) {
	name := val(in.InstanceType)
	if name == "" {
		name = "m1.small"
	}
	t, ok := findType(name)
	if !ok {
		return t, awserr.EC2InvalidValue("Invalid value '" + name + "' for InstanceType.")
	}
	if i.arch != "" && i.arch != t.arch {
		return t, awserr.EC2InvalidValue("The architecture '" + t.arch + "' of the specified instance type does not match the architecture '" + i.arch +
			"' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again. You can use " +
			"'describe-instance-types' or 'describe-images' to discover the architecture of the instance type or AMI.")
	}
	return t, nil
}

func decodeUserData(s string) ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	data, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, awserr.EC2Code("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.")
	}
	if len(data) > maxUserData {
		return nil, awserr.EC2InvalidValue("User data is limited to 16384 bytes")
	}
	return data, nil
}

// rootVolume is what is told of the root volume. Other volumes are not built.
func rootVolume(in *ec2api.RunInstancesInput, i image) (world.Volume, error) {
	v := world.Volume{Device: i.root, Size: i.size, Type: i.disk, DeleteOnTermination: true}
	for _, m := range in.BlockDeviceMappings {
		if val(m.DeviceName) != i.root || m.Ebs == nil {
			return v, unsupported("Volumes beside the root volume (" + i.root + ") are not built.")
		}
		if e := m.Ebs; e.VolumeSize != nil {
			if int(*e.VolumeSize) < i.size {
				return v, awserr.EC2Code("InvalidBlockDeviceMapping", "Volume of size %dGB is smaller than snapshot '%s', expect size >= %dGB",
					*e.VolumeSize, snapshotOf(i.id), i.size)
			}
			v.Size = int(*e.VolumeSize)
		}
		if id := val(m.Ebs.SnapshotId); id != "" && id != snapshotOf(i.id) {
			return v, awserr.EC2Code("InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", id)
		}
		if val(m.Ebs.Encrypted) || val(m.Ebs.KmsKeyId) != "" {
			return v, unsupported("Encrypted volumes are not built.")
		}
		if t := val(m.Ebs.VolumeType); t != "" {
			if !slices.Contains([]string{"gp2", "gp3", "io1", "io2", "standard", "st1", "sc1"}, t) {
				return v, awserr.EC2InvalidParameter("volumeType", t, "Unknown volume type.")
			}
			v.Type = t
		}
		v.IOPS, v.Throughput = int(val(m.Ebs.Iops)), int(val(m.Ebs.Throughput))
		if m.Ebs.DeleteOnTermination != nil {
			v.DeleteOnTermination = *m.Ebs.DeleteOnTermination
		}
	}
	switch {
	case v.Type == "gp3":
		v.IOPS, v.Throughput = max(v.IOPS, 3000), max(v.Throughput, 125)
	case v.Type == "gp2":
		v.IOPS = min(max(100, 3*v.Size), 16000)
	}
	return v, nil
}

// run makes the instances and returns the id of their reservation.
func (l *launch) run(tx *world.Tx) (string, error) {
	if name := val(l.in.KeyName); name != "" {
		var err error
		if l.key, err = keyNamed(&tx.World, l.c, name); err != nil {
			return "", err
		}
	}
	count, err := l.place(tx)
	if err != nil {
		return "", err
	}
	if full(&tx.Instances, maxInstances-count, func(i world.Instance) bool { return i.OwnedBy(l.c) && i.Power != world.Terminated }) {
		return "", awserr.EC2Limit("InstanceLimitExceeded", "You have requested more instances than your current instance limit of "+
			itoa(maxInstances)+" allows for.")
	}
	if err := l.takePublic(tx, count); err != nil {
		return "", err
	}
	reservation := tx.NewID("r")
	for n := range count {
		i := l.instance(tx, reservation, n)
		tx.Instances.Put(i)
		for _, x := range l.nics {
			if err := l.plug(tx, i, x); err != nil {
				return "", err
			}
		}
	}
	return reservation, nil
}

func (l *launch) instance(tx *world.Tx, reservation string, n int) world.Instance {
	i := world.Instance{
		ID: world.InstanceID(tx.NewID("i")), Meta: tx.NewMeta(l.c, l.tags["instance"]), Reservation: reservation, LaunchIndex: n,
		VPC: l.subnet.VPC, Subnet: l.subnet.ID, Image: *l.in.ImageId, User: l.image.user, Type: l.kind.name, KeyName: l.key.Name, PublicKey: l.key.PublicKey,
		UserData: l.data, ClientToken: val(l.in.ClientToken), Launched: tx.Now, Power: world.Running, Boot: 1,
		Metadata: l.meta, TerminationLock: val(l.in.DisableApiTermination), StopLock: val(l.in.DisableApiStop), ShutdownBehavior: "stop",
		Credits: l.kind.credits(), EBSOptimized: val(l.in.EbsOptimized), Volume: l.volume,
	}
	i.ResourceName, i.ResourceNameA = l.subnet.HostnameType == world.ResourceName, l.subnet.ResourceNameA
	if o := l.in.PrivateDnsNameOptions; o != nil {
		nameBy(&i, o.HostnameType, o.EnableResourceNameDnsARecord)
	}
	if b := val(l.in.InstanceInitiatedShutdownBehavior); b != "" {
		i.ShutdownBehavior = b
	}
	if l.in.CreditSpecification != nil {
		i.Credits = *l.in.CreditSpecification.CpuCredits
	}
	i.NoRecovery = val(val(l.in.MaintenanceOptions).AutoRecovery) == disabled
	i.Capacity = val(val(l.in.CapacityReservationSpecification).CapacityReservationPreference)
	if l.in.Monitoring != nil {
		i.Monitoring = val(l.in.Monitoring.Enabled)
	}
	give(tx, &i, l.profile)
	i.Volume.ID, i.Volume.Tags = tx.NewID("vol"), world.SortTags(l.tags["volume"])
	return i
}

// reservationOf describes instances that were launched together.
func reservationOf(rows []world.Instance, describe func(world.Instance) ec2api.Instance) ec2api.Reservation {
	r := ec2api.Reservation{Groups: []ec2api.GroupIdentifier{}, Instances: each(rows, describe)}
	if len(rows) > 0 {
		r.ReservationId, r.OwnerId = new(rows[0].Reservation), new(string(rows[0].Account))
	}
	return r
}

// sortedKeys are the keys of a map in their order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
