package ssm

import (
	"context"
	"time"

	"kumiko/internal/api/ssmapi"
	"kumiko/internal/api/wire"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// Limits of what an agent says of itself.
const (
	maxText       = 256
	defaultPeriod = 5 * time.Minute // (amazon-ssm-agent, agent/appconfig, HealthFrequencyMinutes)
	longestPeriod = time.Hour
	lostAfter     = 3                // periods without a word
	writtenAfter  = 10 * time.Minute // a report like the last one is written down again
)

// Describe describes the service to the front door, with the operations that agents use and that AWS's model does not
// tell of. (amazon-ssm-agent, vendor/github.com/aws/aws-sdk-go/service/ssm.)
func (s *Service) Describe() wire.Service {
	d := ssmapi.Service(s)
	delete(d.Constraints, "StringDateTime") // of answers only, and its pattern looks back
	d.Operations = append(d.Operations,
		wire.Op("UpdateInstanceInformation", s.UpdateInstanceInformation),
		wire.Op("ListInstanceAssociations", s.ListInstanceAssociations),
		wire.Op("PutComplianceItems", s.accept), wire.Op("PutInventory", s.accept), wire.Op("UpdateInstanceAssociationStatus", s.accept),
	)
	return d
}

// UpdateInstanceInformationInput is what an agent says of itself.
type UpdateInstanceInformationInput struct {
	InstanceId           *string `aws:"InstanceId,need"`
	AgentName            *string `aws:"AgentName"`
	AgentStatus          *string `aws:"AgentStatus"`
	AgentVersion         *string `aws:"AgentVersion"`
	AvailabilityZone     *string `aws:"AvailabilityZone"`
	AvailabilityZoneId   *string `aws:"AvailabilityZoneId"`
	ComputerName         *string `aws:"ComputerName"`
	IPAddress            *string `aws:"IPAddress"`
	PlatformName         *string `aws:"PlatformName"`
	PlatformType         *string `aws:"PlatformType"`
	PlatformVersion      *string `aws:"PlatformVersion"`
	SSMConnectionChannel *string `aws:"SSMConnectionChannel"`
	HealthPeriodSeconds  *int32  `aws:"HealthPeriodSeconds"` // of the built-in agent only
}

// Nothing is the answer of operations that only take something in.
type Nothing struct{}

// UpdateInstanceInformation registers the caller's instance as a managed node, or says that it still is one. Nobody but
// the instance itself can do so.
func (s *Service) UpdateInstanceInformation(ctx context.Context, c world.Caller, in *UpdateInstanceInformationInput) (*Nothing, error) {
	id := world.InstanceID(val(in.InstanceId))
	for _, p := range []*string{in.AgentName, in.AgentVersion, in.ComputerName, in.IPAddress, in.PlatformName, in.PlatformType, in.PlatformVersion, in.SSMConnectionChannel} {
		if len(val(p)) > maxText {
			return nil, awserr.SSMInvalid("1 validation error detected: a value has more than %d characters", maxText)
		}
	}
	if by, ok := InstanceOf(c); !ok || by != id {
		return nil, awserr.SSMRefused("AccessDeniedException", "The credentials are not those of the instance %s.", id)
	}
	w, now := s.Store.World(), s.Now()
	if i, ok := w.Instances.Get(id); !ok || !own(c, i.Meta) || i.Power == world.Terminated {
		return nil, awserr.SSMRefused("InvalidInstanceId", "The instance %s is not one of this account and region.", id)
	}
	row, was := w.ManagedNodes.Get(id)
	if said := in.over(row.NodeReport); !was || row.Lost || said != row.NodeReport || now.Sub(row.Pinged) > writtenAfter {
		_, err := s.Store.Update(ctx, func(tx *world.Tx) error {
			row, ok := tx.ManagedNodes.Get(id)
			if !ok {
				row.Instance, row.Meta = id, tx.NewMeta(c, nil)
			}
			row.NodeReport, row.Pinged, row.Lost = in.over(row.NodeReport), now, false
			tx.ManagedNodes.Put(row)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	s.heard(id, now, in.over(row.NodeReport).Period)
	return &Nothing{}, nil
}

// over is the report with what the agent says now; what it does not mention stays.
func (in *UpdateInstanceInformationInput) over(r world.NodeReport) world.NodeReport {
	for _, v := range []struct {
		said *string
		in   *string
	}{
		{in.AgentName, &r.Agent}, {in.AgentVersion, &r.AgentVersion}, {in.PlatformType, &r.PlatformType}, {in.PlatformName, &r.PlatformName},
		{in.PlatformVersion, &r.PlatformVersion}, {in.ComputerName, &r.ComputerName}, {in.IPAddress, &r.IPAddress}, {in.SSMConnectionChannel, &r.Channel},
	} {
		if v.said != nil {
			*v.in = *v.said
		}
	}
	if n := val(in.HealthPeriodSeconds); n > 0 {
		r.Period = min(time.Duration(n)*time.Second, longestPeriod)
	}
	if r.Period == 0 {
		r.Period = defaultPeriod
	}
	return r
}

// ListInstanceAssociationsInput asks what State Manager wants of an instance.
type ListInstanceAssociationsInput struct {
	InstanceId *string `aws:"InstanceId,need"`
	MaxResults *int32  `aws:"MaxResults"`
	NextToken  *string `aws:"NextToken"`
}

// ListInstanceAssociationsOutput is what it wants.
type ListInstanceAssociationsOutput struct {
	Associations []Nothing `aws:"Associations"`
}

// ListInstanceAssociations says that State Manager wants nothing of an instance.
func (s *Service) ListInstanceAssociations(context.Context, world.Caller, *ListInstanceAssociationsInput) (*ListInstanceAssociationsOutput, error) {
	return &ListInstanceAssociationsOutput{Associations: []Nothing{}}, nil
}

// accept takes in what nobody asks for.
func (s *Service) accept(context.Context, world.Caller, *Nothing) (*Nothing, error) {
	return &Nothing{}, nil
}
