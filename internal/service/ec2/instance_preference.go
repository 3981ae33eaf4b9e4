package ec2

import (
	"cmp"
	"context"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// This file keeps what instances are asked to be that has no effect on this machine, and tells it back.

// prefer changes a setting of an instance.
func (s *Service) prefer(ctx context.Context, c world.Caller, id *string, dry *bool, change func(i *world.Instance, now instanceState) error) (world.Instance, error) {
	var i world.Instance
	_, err := s.update(ctx, c, dry, func(tx *world.Tx) error {
		v := &view{w: tx.World, seen: s.store.Seen(), c: c, now: tx.Now}
		var err error
		if i, err = v.liveInstance(id); err != nil {
			return err
		}
		if i.Power == world.Terminated {
			return ended(i)
		}
		if err := change(&i, state(i, v.seen)); err != nil {
			return err
		}
		i.Updated = tx.Now
		tx.Instances.Put(i)
		return nil
	})
	return i, err
}

func ended(i world.Instance) error {
	return awserr.EC2IncorrectState("The instance '" + string(i.ID) + "' is terminated.")
}

// The words of preferences that are only on or off.
const usual, disabled = "default", "disabled"

// unless is the word for something that is on unless it was disabled.
func unless(off bool) *string {
	if off {
		return new(disabled)
	}
	return new(usual)
}

func maintenance(i world.Instance) *ec2api.InstanceMaintenanceOptions {
	return &ec2api.InstanceMaintenanceOptions{AutoRecovery: unless(i.NoRecovery), RebootMigration: unless(i.NoMigration)}
}

// ModifyInstanceMaintenanceOptions says what may be done when the hardware fails. Nothing moves instances of this machine.
func (s *Service) ModifyInstanceMaintenanceOptions(ctx context.Context, c world.Caller, in *ec2api.ModifyInstanceMaintenanceOptionsInput) (*ec2api.ModifyInstanceMaintenanceOptionsOutput, error) {
	if err := cmp.Or(oneOf("autoRecovery", in.AutoRecovery, usual, disabled), oneOf("rebootMigration", in.RebootMigration, usual, disabled)); err != nil {
		return nil, err
	}
	i, err := s.prefer(ctx, c, in.InstanceId, in.DryRun, func(i *world.Instance, _ instanceState) error {
		i.NoRecovery = cmp.Or(val(in.AutoRecovery), *unless(i.NoRecovery)) == disabled
		i.NoMigration = cmp.Or(val(in.RebootMigration), *unless(i.NoMigration)) == disabled
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.ModifyInstanceMaintenanceOptionsOutput{InstanceId: in.InstanceId, AutoRecovery: unless(i.NoRecovery), RebootMigration: unless(i.NoMigration)}, nil
}

// checkCapacity checks what an instance prefers of capacity reservations; there are none.
func checkCapacity(in *ec2api.CapacityReservationSpecification) error {
	if in == nil {
		return nil
	}
	return cmp.Or(oneOf("capacityReservationPreference", in.CapacityReservationPreference, "open", "none", "capacity-reservations-only"),
		notBuilt("Capacity reservations are", in.CapacityReservationTarget != nil))
}

// ModifyInstanceCapacityReservationAttributes says what a stopped instance prefers of capacity reservations.
func (s *Service) ModifyInstanceCapacityReservationAttributes(ctx context.Context, c world.Caller, in *ec2api.ModifyInstanceCapacityReservationAttributesInput) (*ec2api.ModifyInstanceCapacityReservationAttributesOutput, error) {
	if err := checkCapacity(in.CapacityReservationSpecification); err != nil {
		return nil, err
	}
	want := val(in.CapacityReservationSpecification).CapacityReservationPreference
	if err := need("CapacityReservationSpecification.CapacityReservationPreference", want); err != nil {
		return nil, err
	}
	if _, err := s.prefer(ctx, c, in.InstanceId, in.DryRun, func(i *world.Instance, now instanceState) error {
		if now != stopped {
			return notStopped(*i)
		}
		i.Capacity = *want
		return nil
	}); err != nil {
		return nil, err
	}
	return &ec2api.ModifyInstanceCapacityReservationAttributesOutput{Return: new(true)}, nil
}

// ModifyInstanceCreditSpecification says how burstable instances are paid for; those of which that cannot be said are told.
func (s *Service) ModifyInstanceCreditSpecification(ctx context.Context, c world.Caller, in *ec2api.ModifyInstanceCreditSpecificationInput) (*ec2api.ModifyInstanceCreditSpecificationOutput, error) {
	if len(in.InstanceCreditSpecifications) == 0 {
		return nil, awserr.EC2MissingParameter("InstanceCreditSpecification")
	}
	for _, q := range in.InstanceCreditSpecifications {
		if err := cmp.Or(need("cpuCredits", q.CpuCredits), oneOf("cpuCredits", q.CpuCredits, "standard", "unlimited")); err != nil {
			return nil, err
		}
	}
	var done []ec2api.SuccessfulInstanceCreditSpecificationItem
	var failed []ec2api.UnsuccessfulInstanceCreditSpecificationItem
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		// The same call twice changes nothing more; another one with its token is refused.
		if _, err := (tokenCall{c, "ModifyInstanceCreditSpecification", in.ClientToken, in}).once(tx, func() (string, error) { return "done", nil }); err != nil {
			return err
		}
		done, failed = []ec2api.SuccessfulInstanceCreditSpecificationItem{}, []ec2api.UnsuccessfulInstanceCreditSpecificationItem{}
		for _, q := range in.InstanceCreditSpecifications {
			err := credit(tx, c, q)
			if err == nil {
				done = append(done, ec2api.SuccessfulInstanceCreditSpecificationItem{InstanceId: q.InstanceId})
				continue
			}
			e := awserr.From(err, awserr.EC2)
			if e == nil {
				return err
			}
			failed = append(failed, ec2api.UnsuccessfulInstanceCreditSpecificationItem{InstanceId: q.InstanceId,
				Error: &ec2api.UnsuccessfulInstanceCreditSpecificationItemError{Code: new(e.Code), Message: new(e.Message)}})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.ModifyInstanceCreditSpecificationOutput{SuccessfulInstanceCreditSpecifications: done, UnsuccessfulInstanceCreditSpecifications: failed}, nil
}

// credit says how one instance is paid for.
func credit(tx *world.Tx, c world.Caller, q ec2api.InstanceCreditSpecificationRequest) error {
	v := &view{w: tx.World, c: c, now: tx.Now}
	i, err := v.liveInstance(q.InstanceId)
	if err != nil {
		return err
	}
	if i.Power == world.Terminated {
		return ended(i)
	}
	if t, _ := findType(i.Type); !t.burst {
		return awserr.EC2Code("InstanceCreditSpecification.NotSupported", "The instance '%s' is of the type %s, which has no CPU credits.", i.ID, i.Type)
	}
	i.Credits, i.Updated = *q.CpuCredits, tx.Now
	tx.Instances.Put(i)
	return nil
}

// monitor turns detailed monitoring of instances on or off. There is no CloudWatch that would have the figures.
func (s *Service) monitor(ctx context.Context, c world.Caller, ids []string, dry *bool, on bool) ([]ec2api.InstanceMonitoring, error) {
	if len(ids) == 0 {
		return nil, awserr.EC2MissingParameter("InstanceId")
	}
	var rows []world.Instance
	_, err := s.update(ctx, c, dry, func(tx *world.Tx) error {
		v := &view{w: tx.World, c: c, now: tx.Now}
		var err error
		if rows, err = pick("instance", ids, v.liveInstances()); err != nil {
			return err
		}
		for n, i := range rows {
			if i.Power == world.Terminated {
				return ended(i)
			}
			i.Monitoring, i.Updated = on, tx.Now
			tx.Instances.Put(i)
			rows[n] = i
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return each(rows, func(i world.Instance) ec2api.InstanceMonitoring {
		return ec2api.InstanceMonitoring{InstanceId: new(string(i.ID)), Monitoring: monitoring(i)}
	}), nil
}

// MonitorInstances asks for detailed monitoring.
func (s *Service) MonitorInstances(ctx context.Context, c world.Caller, in *ec2api.MonitorInstancesInput) (*ec2api.MonitorInstancesOutput, error) {
	out, err := s.monitor(ctx, c, in.InstanceIds, in.DryRun, true)
	if err != nil {
		return nil, err
	}
	return &ec2api.MonitorInstancesOutput{InstanceMonitorings: out}, nil
}

// UnmonitorInstances asks for basic monitoring again.
func (s *Service) UnmonitorInstances(ctx context.Context, c world.Caller, in *ec2api.UnmonitorInstancesInput) (*ec2api.UnmonitorInstancesOutput, error) {
	out, err := s.monitor(ctx, c, in.InstanceIds, in.DryRun, false)
	if err != nil {
		return nil, err
	}
	return &ec2api.UnmonitorInstancesOutput{InstanceMonitorings: out}, nil
}

// GetPasswordData tells the password of a Windows instance's administrator: nothing, for all instances run Linux.
func (s *Service) GetPasswordData(_ context.Context, c world.Caller, in *ec2api.GetPasswordDataInput) (*ec2api.GetPasswordDataOutput, error) {
	v := s.look(c)
	i, err := v.liveInstance(in.InstanceId)
	if err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	return &ec2api.GetPasswordDataOutput{InstanceId: in.InstanceId, PasswordData: new(""), Timestamp: new(i.Launched)}, nil
}
