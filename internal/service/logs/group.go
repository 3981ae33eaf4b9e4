package logs

import (
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/logsapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// CreateLogGroup makes a log group.
func (s *Service) CreateLogGroup(ctx context.Context, c world.Caller, in *logsapi.CreateLogGroupInput) (*logsapi.CreateLogGroupOutput, error) {
	name, err := groupName(in.LogGroupName)
	if err != nil {
		return nil, err
	}
	class := value(in.LogGroupClass)
	switch {
	case strings.HasPrefix(name, "aws/"):
		return nil, awserr.LogsInvalid("Log groups starting with AWS/ are reserved for AWS.")
	case value(in.KmsKeyId) != "":
		return nil, awserr.LogsInvalid("The specified KMS key does not exist or is not allowed to be used: log groups cannot be encrypted here.")
	case value(in.DeletionProtectionEnabled):
		return nil, awserr.LogsInvalid("Deletion protection is not available here.")
	case class == "":
		class = "STANDARD"
	case class != "STANDARD" && class != "INFREQUENT_ACCESS" && class != "DELIVERY":
		return nil, awserr.LogsInvalid("The log group class %s is not valid", class)
	}
	tags, err := checkTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	_, err = s.store.Update(ctx, func(tx *world.Tx) error {
		g := world.LogGroup{Meta: tx.NewMeta(c, tags), Name: name, Class: class}
		if tx.LogGroups.Has(g.RowID()) {
			return awserr.LogsGroupExists()
		}
		tx.LogGroups.Put(g)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &logsapi.CreateLogGroupOutput{}, nil
}

// DeleteLogGroup takes a log group away, with its streams and events.
func (s *Service) DeleteLogGroup(ctx context.Context, c world.Caller, in *logsapi.DeleteLogGroupInput) (*logsapi.DeleteLogGroupOutput, error) {
	name, err := groupName(in.LogGroupName)
	if err != nil {
		return nil, err
	}
	s.deleting.Lock()
	defer s.deleting.Unlock()
	var g world.LogGroup
	_, err = s.store.Update(ctx, func(tx *world.Tx) (err error) {
		if g, err = find(&tx.World, c, name); err != nil {
			return err
		}
		for _, st := range streamsOf(&tx.World, g, "") {
			tx.LogStreams.Delete(st.RowID())
		}
		tx.LogGroups.Delete(g.RowID())
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.drop(s.log.DropGroup(g.RowID()))
	return &logsapi.DeleteLogGroupOutput{}, nil
}

// DescribeLogGroups lists log groups by name.
func (s *Service) DescribeLogGroups(_ context.Context, c world.Caller, in *logsapi.DescribeLogGroupsInput) (*logsapi.DescribeLogGroupsOutput, error) {
	if in.LogGroupNamePrefix != nil && in.LogGroupNamePattern != nil {
		return nil, awserr.LogsInvalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	var names []string
	for _, id := range in.LogGroupIdentifiers {
		name, err := groupOf(c, nil, &id)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	w := s.store.World()
	var rows []world.LogGroup
	for g := range w.LogGroups.Prefix(world.LogGroupKey(c.Account, c.Region, value(in.LogGroupNamePrefix))) {
		if strings.Contains(g.Name, value(in.LogGroupNamePattern)) &&
			(names == nil || slices.Contains(names, g.Name)) &&
			(in.LogGroupClass == nil || *in.LogGroupClass == g.Class) {
			rows = append(rows, g)
		}
	}
	rows, next, err := listing.Page(listing.Logs(50), rows, world.LogGroup.RowID, in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &logsapi.DescribeLogGroupsOutput{LogGroups: []logsapi.LogGroup{}, NextToken: next}
	for _, g := range rows {
		out.LogGroups = append(out.LogGroups, s.describe(g))
	}
	return out, nil
}

func (s *Service) describe(g world.LogGroup) logsapi.LogGroup {
	arn := groupARN(g)
	d := logsapi.LogGroup{
		LogGroupName: &g.Name, CreationTime: millis(g.Created), MetricFilterCount: new(int32(0)), Arn: new(arn + ":*"), LogGroupArn: &arn,
		StoredBytes: new(s.log.Bytes(g.RowID())), LogGroupClass: &g.Class, DeletionProtectionEnabled: &g.DeletionProtection,
	}
	if g.RetentionDays > 0 {
		d.RetentionInDays = new(int32(g.RetentionDays))
	}
	return d
}

// retentions are the numbers of days events can stay. (CloudWatch Logs API Reference, PutRetentionPolicy.)
func retentions() []int32 {
	return []int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
}

// PutRetentionPolicy sets how long events stay.
func (s *Service) PutRetentionPolicy(ctx context.Context, c world.Caller, in *logsapi.PutRetentionPolicyInput) (*logsapi.PutRetentionPolicyOutput, error) {
	days := value(in.RetentionInDays)
	if !slices.Contains(retentions(), days) {
		return nil, awserr.LogsInvalid("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: %v", days, retentions())
	}
	if err := s.retain(ctx, c, in.LogGroupName, int(days)); err != nil {
		return nil, err
	}
	return &logsapi.PutRetentionPolicyOutput{}, nil
}

// DeleteRetentionPolicy lets events stay for ever.
func (s *Service) DeleteRetentionPolicy(ctx context.Context, c world.Caller, in *logsapi.DeleteRetentionPolicyInput) (*logsapi.DeleteRetentionPolicyOutput, error) {
	if err := s.retain(ctx, c, in.LogGroupName, 0); err != nil {
		return nil, err
	}
	return &logsapi.DeleteRetentionPolicyOutput{}, nil
}

func (s *Service) retain(ctx context.Context, c world.Caller, group *string, days int) error {
	name, err := groupName(group)
	if err != nil {
		return err
	}
	g, err := s.change(ctx, c, name, func(g *world.LogGroup) error { g.RetentionDays = days; return nil })
	if err != nil {
		return err
	}
	s.log.Retain(g.RowID(), age(g))
	return nil
}
