package ec2

import (
	"cmp"
	"context"
	"regexp"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/record/flowlog"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// maxFlowLogs is how many flow logs one resource has at most. (Amazon VPC User Guide, "Amazon VPC quotas".)
const maxFlowLogs = 30

// maxFlowResources is how many resources one request names at most. (Amazon EC2 API Reference, CreateFlowLogs.)
const maxFlowResources = 1000

// groupName is what names of log groups are made of. (Amazon CloudWatch Logs API Reference, CreateLogGroup.)
var groupName = regexp.MustCompile(`^[-._/#A-Za-z0-9]{1,512}$`)

// roleARN is what names of roles look like. (AWS IAM User Guide, "IAM ARNs".)
var roleARN = regexp.MustCompile(`^arn:[a-z-]+:iam::[0-9]{12}:role/.+$`)

// CreateFlowLogs makes a flow log for each resource. What is wrong with one resource is told beside the others.
func (s *Service) CreateFlowLogs(ctx context.Context, c world.Caller, in *ec2api.CreateFlowLogsInput) (*ec2api.CreateFlowLogsOutput, error) {
	row, err := readFlowLog(c, in)
	if err != nil {
		return nil, err
	}
	given, err := oneSpec(in.TagSpecifications, "vpc-flow-log")
	if err != nil {
		return nil, err
	}
	out := &ec2api.CreateFlowLogsOutput{ClientToken: in.ClientToken, FlowLogIds: []string{}, Unsuccessful: []ec2api.UnsuccessfulItem{}}
	asked := *in
	asked.DryRun, asked.ClientToken = nil, nil
	_, err = s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		ids, err := (tokenCall{c, "CreateFlowLogs", in.ClientToken, asked}).once(tx, func() (string, error) {
			out.FlowLogIds, out.Unsuccessful = out.FlowLogIds[:0], out.Unsuccessful[:0]
			for _, id := range in.ResourceIds {
				f := row
				f.ID, f.Meta, f.Resource = world.FlowLogID(tx.NewID("fl")), tx.NewMeta(c, given), id
				if err := addFlowLog(tx, c, val(in.ResourceType), f); err != nil {
					e := awserr.From(err, awserr.EC2)
					if e == nil {
						return "", err
					}
					out.Unsuccessful = append(out.Unsuccessful, unsuccessful(id, e))
					continue
				}
				out.FlowLogIds = append(out.FlowLogIds, string(f.ID))
			}
			return strings.Join(out.FlowLogIds, " "), nil
		})
		out.FlowLogIds = append([]string{}, strings.Fields(ids)...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// unsuccessful is what is told of a resource that a call over several could do nothing for.
func unsuccessful(id string, e *awserr.Error) ec2api.UnsuccessfulItem {
	return ec2api.UnsuccessfulItem{ResourceId: new(id), Error: &ec2api.UnsuccessfulItemError{Code: new(e.Code), Message: new(e.Message)}}
}

// readFlowLog checks all of a request but its resources. (Amazon EC2 API Reference, CreateFlowLogs.)
func readFlowLog(c world.Caller, in *ec2api.CreateFlowLogsInput) (world.FlowLog, error) {
	f := world.FlowLog{
		Traffic: val(in.TrafficType), Role: val(in.DeliverLogsPermissionArn), Format: val(in.LogFormat),
		Interval: flowlog.Long,
	}
	if in.MaxAggregationInterval != nil {
		f.Interval = int(*in.MaxAggregationInterval)
	}
	if len(in.ResourceIds) == 0 {
		return f, awserr.EC2MissingParameter("ResourceId")
	}
	if len(in.ResourceIds) > maxFlowResources {
		return f, awserr.EC2Code("InvalidParameter", "A request may name at most %d resources.", maxFlowResources)
	}
	err := cmp.Or(
		oneOf("resourceType", in.ResourceType, "VPC", "Subnet", "NetworkInterface", "TransitGateway", "TransitGatewayAttachment", "RegionalNatGateway"),
		notBuilt("Flow logs of transit gateways and regional NAT gateways are", !flowResource(val(in.ResourceType))),
		need("TrafficType", in.TrafficType),
		oneOf("trafficType", in.TrafficType, world.FlowAccept, world.FlowReject, world.FlowAll),
		oneOf("logDestinationType", in.LogDestinationType, "cloud-watch-logs", "s3", "kinesis-data-firehose"),
		notBuilt("Flow logs to Amazon S3, to Firehose and to other accounts are",
			set(in.LogDestinationType) && *in.LogDestinationType != "cloud-watch-logs", in.DestinationOptions != nil, set(in.DeliverCrossAccountRole)),
		flowLogDestination(&f, c, in),
	)
	return f, err
}

func flowResource(kind string) bool {
	return kind == "VPC" || kind == "Subnet" || kind == "NetworkInterface"
}

// addFlowLog makes a flow log of a resource of the kind unless there is one that does the same.
func addFlowLog(tx *world.Tx, c world.Caller, kind string, f world.FlowLog) error {
	var err error
	switch id := new(f.Resource); kind {
	case "VPC":
		_, err = find(&tx.VPCs, c, "vpc", id)
	case "Subnet":
		_, err = find(&tx.Subnets, c, "subnet", id)
	default:
		_, err = find(&tx.ENIs, c, "network-interface", id)
	}
	if err != nil {
		return err
	}
	n := 0
	for have := range tx.FlowLogs.All() {
		if have.Resource != f.Resource {
			continue
		}
		n++
		if have.Traffic == f.Traffic && have.Group == f.Group && have.Format == f.Format && have.Interval == f.Interval {
			return awserr.EC2Code("FlowLogAlreadyExists", "Error. There is an existing Flow Log with the same configuration and log destination.")
		}
	}
	if n >= maxFlowLogs {
		return awserr.EC2Limit("FlowLogsLimitExceeded", "The maximum number of flow logs has been reached for "+f.Resource+".")
	}
	tx.FlowLogs.Put(f)
	return nil
}

// logGroupOf is the name of the log group in an ARN, which must be one of the caller's, in the same region.
func logGroupOf(c world.Caller, arn string) (string, error) {
	parts := strings.SplitN(strings.TrimSuffix(arn, ":*"), ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || parts[2] != "logs" {
		return "", awserr.EC2Code("InvalidParameter", "LogDestination is not the ARN of a log group: %s", arn)
	}
	name, ok := strings.CutPrefix(parts[5], "log-group:")
	if !ok {
		return "", awserr.EC2Code("InvalidParameter", "LogDestination is not the ARN of a log group: %s", arn)
	}
	if parts[3] != c.Region || parts[4] != string(c.Account) {
		return "", unsupported("Flow logs to log groups of other accounts and regions are not built.")
	}
	return name, nil
}

// flowLogDestination reads the log group, the role and the format of a request.
func flowLogDestination(f *world.FlowLog, c world.Caller, in *ec2api.CreateFlowLogsInput) error {
	invalid := func(format string, args ...any) error { return awserr.EC2Code("InvalidParameter", format, args...) }
	switch {
	case set(in.LogGroupName) && set(in.LogDestination):
		return awserr.EC2Combination("Please only provide LogGroupName or only provide LogDestination.")
	case !set(in.LogGroupName) && !set(in.LogDestination):
		return invalid("LogDestination can't be empty if LogGroupName is not provided.")
	case f.Role == "":
		return invalid("DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.")
	case !roleARN.MatchString(f.Role):
		return invalid("DeliverLogsPermissionArn is not the ARN of a role: %s", f.Role)
	case f.Interval != flowlog.Short && f.Interval != flowlog.Long:
		return invalid("Invalid Flow Log Max Aggregation Interval")
	}
	f.Group = val(in.LogGroupName)
	if set(in.LogDestination) {
		var err error
		if f.Group, err = logGroupOf(c, *in.LogDestination); err != nil {
			return err
		}
		f.Destination = strings.TrimSuffix(*in.LogDestination, ":*")
	}
	if !groupName.MatchString(f.Group) {
		return invalid("Invalid log group name: %s", f.Group)
	}
	if _, err := flowlog.ParseFormat(f.Format); err != nil {
		return invalid("LogFormat is invalid: %s", err)
	}
	if f.Format == flowlog.DefaultFormat {
		f.Format = ""
	}
	return nil
}

// flowLogFilters are the filters of DescribeFlowLogs. (Amazon EC2 API Reference, DescribeFlowLogs.)
func flowLogFilters() listing.Filters[world.FlowLog] {
	return listing.Filters[world.FlowLog]{
		Tags: ownTags(func(f world.FlowLog) world.Meta { return f.Meta }),
		Fields: map[string]func(world.FlowLog) []string{
			"deliver-log-status":   func(f world.FlowLog) []string { return strings.Fields(delivered(f)) },
			"log-destination-type": one(func(world.FlowLog) string { return "cloud-watch-logs" }),
			"flow-log-id":          one(func(f world.FlowLog) world.FlowLogID { return f.ID }),
			"log-group-name":       one(func(f world.FlowLog) string { return f.Group }),
			"resource-id":          one(func(f world.FlowLog) string { return f.Resource }),
			"traffic-type":         one(func(f world.FlowLog) string { return f.Traffic }),
		},
	}
}

// delivered is the status of a flow log's deliveries: none before the first.
func delivered(f world.FlowLog) string {
	switch {
	case f.Failure != "":
		return "FAILED"
	case f.Delivered:
		return "SUCCESS"
	}
	return ""
}

// DescribeFlowLogs lists the caller's flow logs.
func (s *Service) DescribeFlowLogs(_ context.Context, c world.Caller, in *ec2api.DescribeFlowLogsInput) (*ec2api.DescribeFlowLogsOutput, error) {
	v := s.look(c)
	rows := mine(&v.w.FlowLogs, c)
	if err := flowLogsExist(rows, in.FlowLogIds); err != nil {
		return nil, err
	}
	page, next, err := list(query{"flow-log", in.FlowLogIds, in.Filter, in.MaxResults, in.NextToken, in.DryRun}, rows, flowLogFilters(), listing.EC2(1, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeFlowLogsOutput{FlowLogs: each(page, describeFlowLog), NextToken: next}, nil
}

func describeFlowLog(f world.FlowLog) ec2api.FlowLog {
	out := ec2api.FlowLog{
		FlowLogId: new(string(f.ID)), FlowLogStatus: new("ACTIVE"), ResourceId: new(f.Resource), TrafficType: new(f.Traffic),
		CreationTime: new(f.Created), LogDestinationType: new("cloud-watch-logs"), LogGroupName: new(f.Group),
		LogFormat: new(cmp.Or(f.Format, flowlog.DefaultFormat)), MaxAggregationInterval: new(int32(f.Interval)), Tags: allTags(f.Meta),
		DeliverLogsPermissionArn: new(f.Role),
	}
	if f.Destination != "" {
		out.LogDestination = new(f.Destination)
	}
	if d := delivered(f); d != "" {
		out.DeliverLogsStatus = new(d)
	}
	if f.Failure != "" {
		out.DeliverLogsErrorMessage = new(f.Failure)
	}
	return out
}

// flowLogsExist says which ids no flow log has.
func flowLogsExist(rows []world.FlowLog, ids []string) error {
	have := map[string]bool{}
	for _, f := range rows {
		have[string(f.ID)] = true
	}
	var missing []string
	for _, id := range ids {
		if !have[id] {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return awserr.EC2Code("InvalidFlowLogId.NotFound", "These flow log ids in the input list are not found: [TotalCount: %d] %s",
		len(missing), strings.Join(missing, ", "))
}

// DeleteFlowLogs removes flow logs: all of those asked for, or none when one of them does not exist.
func (s *Service) DeleteFlowLogs(ctx context.Context, c world.Caller, in *ec2api.DeleteFlowLogsInput) (*ec2api.DeleteFlowLogsOutput, error) {
	if len(in.FlowLogIds) == 0 {
		return nil, awserr.EC2MissingParameter("FlowLogId")
	}
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		if err := flowLogsExist(mine(&tx.FlowLogs, c), in.FlowLogIds); err != nil {
			return err
		}
		for _, id := range in.FlowLogIds {
			tx.FlowLogs.Delete(world.FlowLogID(id))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.DeleteFlowLogsOutput{Unsuccessful: []ec2api.UnsuccessfulItem{}}, nil
}
