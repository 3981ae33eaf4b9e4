package ssm

import (
	"context"
	"fmt"
	"slices"
	"time"

	"kumiko/internal/api/ssmapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// maxListed is how much of the output lists show, in bytes. (AWS Systems Manager API Reference, CommandPlugin.)
const maxListed = 2500

// state is how a command as a whole is: as its worst invocation, when all are over.
func state(row world.Command) (status string, completed, errors int) {
	count := map[string]int{}
	for _, v := range row.Invocations {
		count[v.Status]++
		if v.Over() {
			completed++
		}
		if v.Status == failed || v.Status == timedOut {
			errors++
		}
	}
	status = succeeded
	for _, worse := range []string{cancelled, timedOut, failed, pending, inProgress} {
		if count[worse] > 0 {
			status = worse
		}
	}
	if status == pending && completed > 0 {
		status = inProgress
	}
	return status, completed, errors
}

func describeCommand(row world.Command) ssmapi.Command {
	status, completed, errors := state(row)
	d := ssmapi.Command{
		CommandId: &row.ID, DocumentName: &row.Document, DocumentVersion: new(row.Version), Comment: new(row.Comment), ExpiresAfter: new(row.Created.Add(row.Timeout)),
		Parameters: row.Parameters, InstanceIds: []string{}, Targets: []ssmapi.Target{}, RequestedDateTime: &row.Created, Status: &status, StatusDetails: &status,
		MaxConcurrency: new("50"), MaxErrors: new("0"), TargetCount: new(int32(len(row.Invocations))), CompletedCount: new(int32(completed)),
		ErrorCount: new(int32(errors)), DeliveryTimedOutCount: new(int32(0)), TimeoutSeconds: new(int32(row.Timeout / time.Second)),
		OutputS3BucketName: new(""), OutputS3KeyPrefix: new(""), CloudWatchOutputConfig: &ssmapi.CloudWatchOutputConfig{CloudWatchLogGroupName: new(""), CloudWatchOutputEnabled: new(false)},
	}
	for _, t := range row.Targets {
		d.Targets = append(d.Targets, ssmapi.Target{Key: &t.Key, Values: t.Values})
	}
	if len(row.Targets) == 0 {
		for _, v := range row.Invocations {
			d.InstanceIds = append(d.InstanceIds, string(v.Instance))
		}
	}
	return d
}

// wantedCommands are the commands that a list is about, the latest first.
type wantedCommands struct {
	id, instance *string
	filters      []ssmapi.CommandFilter
}

func (s *Service) commands(c world.Caller, q wantedCommands) ([]world.Command, error) {
	for _, f := range q.filters { // also where there is nothing to filter
		if _, err := commandHas(world.Command{}, val(f.Key), val(f.Value)); err != nil {
			return nil, err
		}
	}
	w := s.Store.World()
	rows := w.CommandsIn(c.Account, c.Region)
	if q.id != nil {
		row, err := s.command(c, *q.id)
		if err != nil {
			return nil, err
		}
		rows = []world.Command{row}
	}
	var out []world.Command
	for _, row := range rows {
		keep := q.instance == nil || slices.ContainsFunc(row.Invocations, func(v world.Invocation) bool { return string(v.Instance) == *q.instance })
		for _, f := range q.filters {
			ok, err := commandHas(row, val(f.Key), val(f.Value))
			if err != nil {
				return nil, err
			}
			keep = keep && ok
		}
		if keep {
			out = append(out, row)
		}
	}
	return out, nil
}

func commandHas(row world.Command, key, value string) (bool, error) {
	switch key {
	case "InvokedAfter", "InvokedBefore":
		t, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return false, awserr.SSMRefused("InvalidFilterKey", "The value %s of the filter %s is no time.", value, key)
		}
		return (row.Created.Compare(t) > 0) == (key == "InvokedAfter"), nil
	case "Status":
		status, _, _ := state(row)
		return status == value, nil
	case "ExecutionStage":
		status, _, _ := state(row)
		return (status == pending || status == inProgress) == (value == "Executing"), nil
	case "DocumentName":
		return row.Document == value, nil
	}
	return false, awserr.SSMRefused("InvalidFilterKey", "The filter key %s is not valid.", key)
}

// latestFirst is the place of a command in lists.
func latestFirst(row world.Command) string {
	return fmt.Sprintf("%020d/%s", 1<<62-row.Created.UnixNano(), row.ID)
}

// ListCommands lists commands.
func (s *Service) ListCommands(_ context.Context, c world.Caller, in *ssmapi.ListCommandsInput) (*ssmapi.ListCommandsOutput, error) {
	rows, err := s.commands(c, wantedCommands{in.CommandId, in.InstanceId, in.Filters})
	if err != nil {
		return nil, err
	}
	rows, next, err := listing.Page(pages(1, 50, 50), rows, latestFirst, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ssmapi.ListCommandsOutput{Commands: []ssmapi.Command{}, NextToken: next}
	for _, row := range rows {
		out.Commands = append(out.Commands, describeCommand(row))
	}
	return out, nil
}

// ListCommandInvocations lists what came of commands at instances.
func (s *Service) ListCommandInvocations(_ context.Context, c world.Caller, in *ssmapi.ListCommandInvocationsInput) (*ssmapi.ListCommandInvocationsOutput, error) {
	rows, err := s.commands(c, wantedCommands{in.CommandId, in.InstanceId, in.Filters})
	if err != nil {
		return nil, err
	}
	type pair struct {
		world.Command
		world.Invocation
	}
	var all []pair
	for _, row := range rows {
		for _, v := range row.Invocations {
			if in.InstanceId == nil || string(v.Instance) == *in.InstanceId {
				all = append(all, pair{row, v})
			}
		}
	}
	key := func(p pair) string { return latestFirst(p.Command) + "/" + string(p.Instance) }
	all, next, err := listing.Page(pages(1, 50, 50), all, key, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ssmapi.ListCommandInvocationsOutput{CommandInvocations: []ssmapi.CommandInvocation{}, NextToken: next}
	for _, p := range all {
		out.CommandInvocations = append(out.CommandInvocations, describeInvocation(p.Command, p.Invocation, val(in.Details)))
	}
	return out, nil
}

func describeInvocation(row world.Command, v world.Invocation, details bool) ssmapi.CommandInvocation {
	d := ssmapi.CommandInvocation{
		CommandId: &row.ID, InstanceId: new(string(v.Instance)), InstanceName: new(v.Name), Comment: new(row.Comment), DocumentName: &row.Document,
		DocumentVersion: new(row.Version), RequestedDateTime: &row.Created, Status: &v.Status, StatusDetails: &v.Detail,
		StandardOutputUrl: new(""), StandardErrorUrl: new(""), CommandPlugins: []ssmapi.CommandPlugin{},
	}
	if details {
		output := v.Output
		if v.Error != "" {
			output += "\n----------ERROR-------\n" + v.Error
		}
		d.CommandPlugins = append(d.CommandPlugins, ssmapi.CommandPlugin{
			Name: some(v.Plugin), Status: &v.Status, StatusDetails: &v.Detail, ResponseCode: new(int32(v.Code)), ResponseStartDateTime: when(v.Begun),
			ResponseFinishDateTime: when(v.Ended), Output: new(cut(output, maxListed)), StandardOutputUrl: new(""), StandardErrorUrl: new(""),
		})
	}
	return d
}

// GetCommandInvocation shows what came of a command at one instance, with its output.
func (s *Service) GetCommandInvocation(_ context.Context, c world.Caller, in *ssmapi.GetCommandInvocationInput) (*ssmapi.GetCommandInvocationOutput, error) {
	gone := awserr.SSMRefused("InvocationDoesNotExist", "The command ID and managed node ID you specified did not match any invocations. Verify the command ID and the managed node ID and try again.")
	row, err := s.command(c, val(in.CommandId))
	if err != nil {
		return nil, gone
	}
	at := slices.IndexFunc(row.Invocations, func(v world.Invocation) bool { return string(v.Instance) == val(in.InstanceId) })
	if at < 0 {
		return nil, gone
	}
	v := row.Invocations[at]
	if in.PluginName != nil && *in.PluginName != v.Plugin {
		return nil, awserr.SSMRefused("InvalidPluginName", "The plugin name isn't valid.")
	}
	out := &ssmapi.GetCommandInvocationOutput{
		CommandId: &row.ID, InstanceId: in.InstanceId, Comment: new(row.Comment), DocumentName: &row.Document, DocumentVersion: new(row.Version),
		PluginName: new(v.Plugin), ResponseCode: new(int32(v.Code)), ExecutionStartDateTime: new(""), ExecutionElapsedTime: new(""),
		ExecutionEndDateTime: new(""), Status: &v.Status, StatusDetails: &v.Detail, StandardOutputContent: &v.Output, StandardOutputUrl: new(""),
		StandardErrorContent: &v.Error, StandardErrorUrl: new(""), CloudWatchOutputConfig: &ssmapi.CloudWatchOutputConfig{CloudWatchLogGroupName: new(""), CloudWatchOutputEnabled: new(false)},
	}
	const form = "2006-01-02T15:04:05.000Z"
	if !v.Begun.IsZero() {
		out.ExecutionStartDateTime = new(v.Begun.UTC().Format(form))
	}
	if !v.Ended.IsZero() {
		out.ExecutionEndDateTime = new(v.Ended.UTC().Format(form))
		if !v.Begun.IsZero() {
			out.ExecutionElapsedTime = new(fmt.Sprintf("PT%.3fS", v.Ended.Sub(v.Begun).Seconds()))
		}
	}
	return out, nil
}
