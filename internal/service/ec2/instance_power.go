package ec2

import (
	"context"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// powerChange changes what an instance is asked to be, given its state; it returns false when nothing is to change.
type powerChange func(tx *world.Tx, i *world.Instance, now instanceState) (bool, error)

// power does a change to instances: to all of them, or to none.
func (s *Service) power(ctx context.Context, c world.Caller, ids []string, dry *bool, change powerChange) ([]ec2api.InstanceStateChange, error) {
	if len(ids) == 0 {
		return nil, awserr.EC2MissingParameter("InstanceId")
	}
	before := map[world.InstanceID]instanceState{}
	var rows []world.Instance
	v, err := s.update(ctx, c, dry, func(tx *world.Tx) error {
		seen := s.store.Seen()
		v := &view{w: tx.World, seen: seen, c: c, now: tx.Now}
		var err error
		if rows, err = pick("instance", ids, v.liveInstances()); err != nil {
			return err
		}
		for _, i := range rows {
			before[i.ID] = state(i, seen)
			changed, err := change(tx, &i, before[i.ID])
			if err != nil {
				return err
			}
			if changed {
				tx.Touch(&i.Meta)
				tx.Instances.Put(i)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return each(rows, func(i world.Instance) ec2api.InstanceStateChange {
		now, _ := v.w.Instances.Get(i.ID)
		return ec2api.InstanceStateChange{
			InstanceId: new(string(i.ID)), PreviousState: before[i.ID].describe(), CurrentState: state(now, v.seen).describe(),
		}
	}), nil
}

// StartInstances starts stopped instances.
func (s *Service) StartInstances(ctx context.Context, c world.Caller, in *ec2api.StartInstancesInput) (*ec2api.StartInstancesOutput, error) {
	out, err := s.power(ctx, c, in.InstanceIds, in.DryRun, func(tx *world.Tx, i *world.Instance, now instanceState) (bool, error) {
		switch now {
		case running, pending:
			return false, nil
		case stopped:
			i.Power, i.Launched, i.Reason, i.StateReasonCode, i.StateReason = world.Running, tx.Now, "", "", ""
			i.Boot++
			return true, renewPublic(tx, i.ID)
		}
		return false, awserr.EC2IncorrectState("The instance '" + string(i.ID) + "' is not in a state from which it can be started.")
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.StartInstancesOutput{StartingInstances: out}, nil
}

// StopInstances stops running instances; their addresses and disks stay.
func (s *Service) StopInstances(ctx context.Context, c world.Caller, in *ec2api.StopInstancesInput) (*ec2api.StopInstancesOutput, error) {
	if val(in.Hibernate) {
		return nil, awserr.EC2Code("UnsupportedHibernationConfiguration", "Hibernation is not built.")
	}
	out, err := s.power(ctx, c, in.InstanceIds, in.DryRun, func(tx *world.Tx, i *world.Instance, now instanceState) (bool, error) {
		switch now {
		case stopped, stopping:
			return false, nil
		case running:
			if i.StopLock {
				return false, awserr.EC2NotPermitted("The instance '" + string(i.ID) +
					"' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.")
			}
			i.Power = world.Stopped
			dropPublic(tx, i.ID)
			userInitiated(tx, i)
			return true, nil
		}
		return false, awserr.EC2IncorrectState("This instance '" + string(i.ID) + "' is not in a state from which it can be stopped.")
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.StopInstancesOutput{StoppingInstances: out}, nil
}

// userInitiated says why the instance no longer runs.
func userInitiated(tx *world.Tx, i *world.Instance) {
	i.StateReasonCode, i.StateReason = "Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"
	i.Reason = "User initiated (" + tx.Now.UTC().Format("2006-01-02 15:04:05") + " GMT)"
}

// TerminateInstances ends instances for good. Interfaces made with them go once their hosts have; see Finish.
func (s *Service) TerminateInstances(ctx context.Context, c world.Caller, in *ec2api.TerminateInstancesInput) (*ec2api.TerminateInstancesOutput, error) {
	out, err := s.power(ctx, c, in.InstanceIds, in.DryRun, func(tx *world.Tx, i *world.Instance, now instanceState) (bool, error) {
		if now == terminated || now == shuttingDown {
			return false, nil
		}
		if i.TerminationLock {
			return false, awserr.EC2NotPermitted("The instance '" + string(i.ID) +
				"' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.")
		}
		i.Power = world.Terminated
		dropPublic(tx, i.ID)
		userInitiated(tx, i)
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.TerminateInstancesOutput{TerminatingInstances: out}, nil
}

// RebootInstances replaces the hosts of running instances; disks and addresses stay.
func (s *Service) RebootInstances(ctx context.Context, c world.Caller, in *ec2api.RebootInstancesInput) (*ec2api.RebootInstancesOutput, error) {
	_, err := s.power(ctx, c, in.InstanceIds, in.DryRun, func(_ *world.Tx, i *world.Instance, now instanceState) (bool, error) {
		if now != running {
			return false, awserr.EC2IncorrectState("This instance '" + string(i.ID) + "' is not in a state from which it can be rebooted.")
		}
		i.Boot++
		i.Rebooted = i.Boot
		return true, nil
	})
	return &ec2api.RebootInstancesOutput{}, err
}
