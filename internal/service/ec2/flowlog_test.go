package ec2

import (
	"testing"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/record/flowlog"
	"kumiko/internal/world"
)

func TestFlowLogs(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	vpc := b.vpc("10.0.0.0/16")
	ask := func(change func(*ec2api.CreateFlowLogsInput)) *ec2api.CreateFlowLogsInput {
		in := &ec2api.CreateFlowLogsInput{
			ResourceIds: []string{*vpc}, ResourceType: new("VPC"), TrafficType: new("ALL"), LogGroupName: new("flows"),
			DeliverLogsPermissionArn: new("arn:aws:iam::000000000000:role/flows"),
		}
		change(in)
		return in
	}
	for _, c := range []struct {
		code, text string
		change     func(*ec2api.CreateFlowLogsInput)
	}{
		{"MissingParameter", "", func(in *ec2api.CreateFlowLogsInput) { in.TrafficType = nil }},
		{"InvalidParameterValue", "", func(in *ec2api.CreateFlowLogsInput) { in.TrafficType = new("SOME") }},
		{"InvalidParameter", "Invalid Flow Log Max Aggregation Interval", func(in *ec2api.CreateFlowLogsInput) { in.MaxAggregationInterval = new(int32(61)) }},
		{"InvalidParameter", "LogDestination can't be empty if LogGroupName is not provided.", func(in *ec2api.CreateFlowLogsInput) { in.LogGroupName = nil }},
		{"InvalidParameterCombination", "", func(in *ec2api.CreateFlowLogsInput) {
			in.LogDestination = new("arn:aws:logs:us-east-1:000000000000:log-group:flows")
		}},
		{"InvalidParameter", "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.",
			func(in *ec2api.CreateFlowLogsInput) { in.DeliverLogsPermissionArn = nil }},
		{"InvalidParameter", `LogFormat is invalid: unknown field "colour"`, func(in *ec2api.CreateFlowLogsInput) { in.LogFormat = new("${version} ${colour}") }},
		{"UnsupportedOperation", "", func(in *ec2api.CreateFlowLogsInput) { in.LogDestinationType = new("s3") }},
		{"DryRunOperation", "", func(in *ec2api.CreateFlowLogsInput) { in.DryRun = new(true) }},
	} {
		_, err := b.CreateFlowLogs(ctx, b.c, ask(c.change))
		b.refused(err, c.code, c.text)
	}
	made := must(b.CreateFlowLogs(ctx, b.c, ask(func(in *ec2api.CreateFlowLogsInput) {
		in.ResourceIds, in.ClientToken = append(in.ResourceIds, "vpc-00000000000000000"), new("once")
	})))
	if len(made.FlowLogIds) != 1 || len(made.Unsuccessful) != 1 || *made.Unsuccessful[0].Error.Code != "InvalidVpcID.NotFound" {
		t.Fatalf("made %v, and not %v", made.FlowLogIds, made.Unsuccessful)
	}
	again := must(b.CreateFlowLogs(ctx, b.c, ask(func(*ec2api.CreateFlowLogsInput) {})))
	if len(again.FlowLogIds) != 0 || len(again.Unsuccessful) != 1 || *again.Unsuccessful[0].Error.Code != "FlowLogAlreadyExists" {
		t.Errorf("the same again makes %v, and not %v", again.FlowLogIds, again.Unsuccessful)
	}
	f := must(b.DescribeFlowLogs(ctx, b.c, &ec2api.DescribeFlowLogsInput{FlowLogIds: made.FlowLogIds})).FlowLogs[0]
	if *f.FlowLogStatus != "ACTIVE" || f.DeliverLogsStatus != nil || *f.LogFormat != flowlog.DefaultFormat || *f.MaxAggregationInterval != 600 || *f.LogGroupName != "flows" {
		t.Errorf("a new flow log is %+v", f)
	}
	if _, err := b.st.Update(ctx, func(tx *world.Tx) error {
		row, _ := tx.FlowLogs.Get(world.FlowLogID(made.FlowLogIds[0]))
		row.Delivered, row.Failure = true, "Access error"
		tx.FlowLogs.Put(row)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	failed := must(b.DescribeFlowLogs(ctx, b.c, &ec2api.DescribeFlowLogsInput{Filter: []ec2api.Filter{{Name: new("deliver-log-status"), Values: []string{"FAILED"}}}})).FlowLogs
	if len(failed) != 1 || *failed[0].DeliverLogsErrorMessage != "Access error" {
		t.Errorf("failed: %+v", failed)
	}
	_, err := b.DeleteFlowLogs(ctx, b.c, &ec2api.DeleteFlowLogsInput{FlowLogIds: []string{made.FlowLogIds[0], "fl-00000000000000000"}})
	b.refused(err, "InvalidFlowLogId.NotFound", "These flow log ids in the input list are not found: [TotalCount: 1] fl-00000000000000000")
	must(b.DeleteFlowLogs(ctx, b.c, &ec2api.DeleteFlowLogsInput{FlowLogIds: made.FlowLogIds}))
	if n := len(must(b.DescribeFlowLogs(ctx, b.c, &ec2api.DescribeFlowLogsInput{})).FlowLogs); n != 0 {
		t.Errorf("%d flow logs are left", n)
	}
}
