from kit import *

ec2, logs = client(), client("logs")
vpc = ec2.create_vpc(CidrBlock="10.130.0.0/16")["Vpc"]["VpcId"]
logs.create_log_group(logGroupName="/conform/flows")
args = dict(ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", LogGroupName="/conform/flows", DeliverLogsPermissionArn="arn:aws:iam::000000000000:role/flows",
            MaxAggregationInterval=60, ClientToken="conform-fl", TagSpecifications=tags("vpc-flow-log", Name="conform-fl"))
dry(ec2.create_flow_logs, **args)
made = ec2.create_flow_logs(**args)
same(made["Unsuccessful"], [], "what failed")
id = made["FlowLogIds"][0]
same(ec2.create_flow_logs(**args)["FlowLogIds"], [id], "the same token")
has(ec2.describe_flow_logs(FlowLogIds=[id])["FlowLogs"][0], FlowLogId=id, FlowLogStatus="ACTIVE", LogDestinationType="cloud-watch-logs", LogGroupName="/conform/flows",
    MaxAggregationInterval=60, ResourceId=vpc, TrafficType="ALL", CreationTime=None, Tags=[{"Key": "Name", "Value": "conform-fl"}],
    LogFormat="${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}")
tagged(ec2, id, "vpc-flow-log")
del args["ClientToken"]
twice = ec2.create_flow_logs(**args)["Unsuccessful"][0]
same((twice["ResourceId"], twice["Error"]["Code"]), (vpc, "FlowLogAlreadyExists"), "a second one")
lost = ec2.create_flow_logs(**{**args, "ResourceIds": ["vpc-00000000000000000"]})["Unsuccessful"][0]
same(lost["Error"]["Code"], "InvalidVpcID.NotFound", "of nothing")
same(ids(ec2.describe_flow_logs(Filter=where(resource_id=vpc, tag___Name="conform-fl", traffic_type="ALL", log_group_name="/conform/*"))["FlowLogs"], "FlowLogId"), [id], "filters")
dry(ec2.delete_flow_logs, FlowLogIds=[id])
same(ec2.delete_flow_logs(FlowLogIds=[id])["Unsuccessful"], [], "what failed")
same(ec2.describe_flow_logs(Filter=where(resource_id=vpc))["FlowLogs"], [], "flow logs")
ec2.delete_vpc(VpcId=vpc)
logs.delete_log_group(logGroupName="/conform/flows")
