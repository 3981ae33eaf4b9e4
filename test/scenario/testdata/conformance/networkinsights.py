from kit import *

ec2 = client()
vpc = ec2.create_vpc(CidrBlock="10.170.0.0/16")["Vpc"]["VpcId"]
subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.170.{n}.0/24")["Subnet"]["SubnetId"] for n in (1, 2)]
group = ec2.create_security_group(GroupName="insights", Description="insights", VpcId=vpc)["GroupId"]
igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
image = ec2.describe_images(Owners=["amazon"], Filters=where(name="al2023-ami-2023*", architecture="x86_64"))["Images"][0]["ImageId"]
a, b = [ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=s, SecurityGroupIds=[group])["Instances"][0] for s in subnets]
ia, ib = a["InstanceId"], b["InstanceId"]
ea, eb = a["NetworkInterfaces"][0]["NetworkInterfaceId"], b["NetworkInterfaces"][0]["NetworkInterfaceId"]
eventually("the instances run", lambda: len(ec2.describe_instance_status(InstanceIds=[ia, ib])["InstanceStatuses"]) == 2)

# Paths.
args = dict(Source=ia, Destination=ib, Protocol="tcp", DestinationPort=443, ClientToken="conform-nip", TagSpecifications=tags("network-insights-path", Name="conform-nip"))
dry(ec2.create_network_insights_path, **args)
path = ec2.create_network_insights_path(**args)["NetworkInsightsPath"]
nip = path["NetworkInsightsPathId"]
account = path["NetworkInsightsPathArn"].split(":")[4]
arn = f"arn:aws:ec2:{ec2.meta.region_name}:{account}:"
same(ec2.create_network_insights_path(**args)["NetworkInsightsPath"]["NetworkInsightsPathId"], nip, "the same token")
refused("IdempotentParameterMismatch", ec2.create_network_insights_path, **{**args, "DestinationPort": 80})
has(path, NetworkInsightsPathArn=f"{arn}network-insights-path/{nip}", CreatedDate=None, Source=ia, Destination=ib, SourceArn=f"{arn}instance/{ia}",
    DestinationArn=f"{arn}instance/{ib}", Protocol="tcp", DestinationPort=443, Tags=[{"Key": "Name", "Value": "conform-nip"}])
tagged(ec2, nip, "network-insights-path")
filtered = ec2.create_network_insights_path(Source=ea, Protocol="udp", FilterAtSource={"DestinationAddress": "10.170.2.9", "DestinationPortRange": {"FromPort": 53, "ToPort": 54}})["NetworkInsightsPath"]
has(filtered, Source=ea, Protocol="udp", FilterAtSource={"DestinationAddress": "10.170.2.9", "DestinationPortRange": {"FromPort": 53, "ToPort": 54}})
paths = [nip, filtered["NetworkInsightsPathId"]]
found(ec2.describe_network_insights_paths, "NetworkInsightsPaths", "NetworkInsightsPathId", [nip], source=ia, destination=ib, tag___Name="conform-nip", also=dict(protocol="tcp"))
same(ids(ec2.describe_network_insights_paths(Filters=where(filter_at_source__destination_address="10.170.2.9"))["NetworkInsightsPaths"], "NetworkInsightsPathId"), paths[1:], "what a filter of headers finds")
same(sorted(p["NetworkInsightsPathId"] for p in pages(ec2.describe_network_insights_paths, "NetworkInsightsPaths", 1)), sorted(paths), "pages")
refused("InvalidParameterCombination", ec2.create_network_insights_path, Source=ia, Protocol="tcp", DestinationPort=1, FilterAtSource={"DestinationAddress": "10.170.2.9"})
refused("InvalidParameterValue", ec2.create_network_insights_path, Source=vpc, Destination=ib, Protocol="tcp")
refused("InvalidParameterValue", client(checked=False).create_network_insights_path, Source=ia, Destination=ib, Protocol="icmp")
refused("MissingParameter", ec2.create_network_insights_path, Source=ia, Protocol="tcp")
refused("InvalidInstanceID.NotFound", ec2.create_network_insights_path, Source="i-0123456789abcdef0", Destination=ib, Protocol="tcp")
refused("InvalidNetworkInsightsPathId.NotFound", ec2.describe_network_insights_paths, NetworkInsightsPathIds=["nip-0123456789abcdef0"])

# Analyses: what was found stays, whatever becomes of the network.
def analyse(**more):
    got = ec2.start_network_insights_analysis(NetworkInsightsPathId=nip, **more)["NetworkInsightsAnalysis"]
    has(got, Status="running", NetworkInsightsPathId=nip, StartDate=None)
    return got["NetworkInsightsAnalysisId"]

def analysis(id):
    return ec2.describe_network_insights_analyses(NetworkInsightsAnalysisIds=[id])["NetworkInsightsAnalyses"][0]

dry(ec2.start_network_insights_analysis, NetworkInsightsPathId=nip)
shut = analyse(ClientToken="conform-nia", TagSpecifications=tags("network-insights-analysis", Name="conform-nia"))
same(analyse(ClientToken="conform-nia", TagSpecifications=tags("network-insights-analysis", Name="conform-nia")), shut, "the same token")
eventually("the analysis is done", lambda: analysis(shut)["Status"] == "succeeded")
has(analysis(shut), NetworkInsightsAnalysisArn=f"{arn}network-insights-analysis/{shut}", NetworkPathFound=False, Tags=[{"Key": "Name", "Value": "conform-nia"}])
x = analysis(shut)["Explanations"][0]
has(x, ExplanationCode="ENI_SG_RULES_MISMATCH", Direction="ingress", NetworkInterface={"Id": eb, "Arn": f"{arn}network-interface/{eb}"},
    SecurityGroups=[{"Id": group, "Arn": f"{arn}security-group/{group}"}])
ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.170.1.0/24"}]}])
open = analyse()
eventually("the second is done", lambda: analysis(open)["Status"] == "succeeded")
has(analysis(open), NetworkPathFound=True, ForwardPathComponents=None, ReturnPathComponents=None)
same([c["SequenceNumber"] for c in analysis(open)["ForwardPathComponents"]], list(range(1, len(analysis(open)["ForwardPathComponents"]) + 1)), "numbers")
way = [c["Component"]["Id"] for c in analysis(open)["ForwardPathComponents"]]
same([way[0], way[1], way[-2], way[-1]], [ia, ea, eb, ib], "the ends of the way")
same(group in way, True, "the way has the group")
rule = [c["SecurityGroupRule"] for c in analysis(open)["ForwardPathComponents"] if c.get("SecurityGroupRule", {}).get("Direction") == "ingress"]
has(rule[0], Cidr="10.170.1.0/24", Protocol="tcp", PortRange={"From": 443, "To": 443})
same(analysis(shut)["NetworkPathFound"], False, "the first answer")
out = analyse(FilterInArns=[f"{arn}internet-gateway/{igw}"])
eventually("the third is done", lambda: analysis(out)["Status"] == "succeeded")
same([x["ExplanationCode"] for x in analysis(out)["Explanations"]], ["COMPONENT_FILTER_RESTRICTION"], "what a way must take")
found(ec2.describe_network_insights_analyses, "NetworkInsightsAnalyses", "NetworkInsightsAnalysisId", [shut], tag___Name="conform-nia", also=dict(path_found="false", status="succeeded"))
same(ids(ec2.describe_network_insights_analyses(NetworkInsightsPathId=nip)["NetworkInsightsAnalyses"], "NetworkInsightsAnalysisId"), sorted([shut, open, out]), "the analyses of a path")
same(sorted(n["NetworkInsightsAnalysisId"] for n in pages(ec2.describe_network_insights_analyses, "NetworkInsightsAnalyses", 2)), sorted([shut, open, out]), "pages")
refused("AnalysisExistsForNetworkInsightsPath", ec2.delete_network_insights_path, says=f"Analysis exists for NetworkInsightsPath {nip}", NetworkInsightsPathId=nip)
refused("InvalidNetworkInsightsAnalysisId.NotFound", ec2.delete_network_insights_analysis, NetworkInsightsAnalysisId="nia-0123456789abcdef0")
dry(ec2.delete_network_insights_analysis, NetworkInsightsAnalysisId=open)
for n in shut, open, out:
    same(ec2.delete_network_insights_analysis(NetworkInsightsAnalysisId=n)["NetworkInsightsAnalysisId"], n, "deleted")
dry(ec2.delete_network_insights_path, NetworkInsightsPathId=nip)
for p in paths:
    same(ec2.delete_network_insights_path(NetworkInsightsPathId=p)["NetworkInsightsPathId"], p, "deleted")
refused("InvalidNetworkInsightsPathId.NotFound", ec2.delete_network_insights_path, NetworkInsightsPathId=nip)

# Access scopes: paths that should not be.
match = [{"Source": {"ResourceStatement": {"Resources": [ia]}}, "Destination": {"ResourceStatement": {"ResourceTypes": ["AWS::EC2::NetworkInterface"]}}}]
args = dict(MatchPaths=match, ClientToken="conform-nis", TagSpecifications=tags("network-insights-access-scope", Name="conform-nis"))
dry(ec2.create_network_insights_access_scope, **args)
made = ec2.create_network_insights_access_scope(**args)
nis = made["NetworkInsightsAccessScope"]["NetworkInsightsAccessScopeId"]
same(ec2.create_network_insights_access_scope(**args)["NetworkInsightsAccessScope"]["NetworkInsightsAccessScopeId"], nis, "the same token")
has(made["NetworkInsightsAccessScope"], NetworkInsightsAccessScopeArn=f"{arn}network-insights-access-scope/{nis}", CreatedDate=None, UpdatedDate=None, Tags=[{"Key": "Name", "Value": "conform-nis"}])
content = ec2.get_network_insights_access_scope_content(NetworkInsightsAccessScopeId=nis)["NetworkInsightsAccessScopeContent"]
same(content["MatchPaths"], match, "what is looked for")
same(content, made["NetworkInsightsAccessScopeContent"], "the content told at once")
tagged(ec2, nis, "network-insights-access-scope")
same(ids(ec2.describe_network_insights_access_scopes(Filters=where(tag___Name="conform-*"))["NetworkInsightsAccessScopes"], "NetworkInsightsAccessScopeId"), [nis], "scopes by a tag")
refused("MissingParameter", ec2.create_network_insights_access_scope, ExcludePaths=match)
refused("UnsupportedOperation", ec2.create_network_insights_access_scope, MatchPaths=[{"Source": {"ResourceStatement": {"ResourceTypes": ["AWS::EC2::Nothing"]}}}])
refused("InvalidNetworkInsightsAccessScopeId.NotFound", ec2.describe_network_insights_access_scopes, NetworkInsightsAccessScopeIds=["nis-0123456789abcdef0"])
dry(ec2.start_network_insights_access_scope_analysis, NetworkInsightsAccessScopeId=nis)
started = ec2.start_network_insights_access_scope_analysis(NetworkInsightsAccessScopeId=nis, TagSpecifications=tags("network-insights-access-scope-analysis", Name="conform-nisa"))["NetworkInsightsAccessScopeAnalysis"]
nisa = started["NetworkInsightsAccessScopeAnalysisId"]
has(started, Status="running", FindingsFound="unknown", NetworkInsightsAccessScopeId=nis, StartDate=None)

def scoped():
    return ec2.describe_network_insights_access_scope_analyses(NetworkInsightsAccessScopeAnalysisIds=[nisa])["NetworkInsightsAccessScopeAnalyses"][0]

eventually("the analysis of the scope is done", lambda: scoped()["Status"] == "succeeded")
has(scoped(), FindingsFound="true", AnalyzedEniCount=2, EndDate=None, NetworkInsightsAccessScopeAnalysisArn=f"{arn}network-insights-access-scope-analysis/{nisa}")
findings = pages(ec2.get_network_insights_access_scope_analysis_findings, "AnalysisFindings", 1, NetworkInsightsAccessScopeAnalysisId=nisa)
same(all(f["FindingComponents"][0]["Component"]["Id"] == ia for f in findings), True, "findings begin at the source")
has(findings[0], FindingId=None, NetworkInsightsAccessScopeId=nis, NetworkInsightsAccessScopeAnalysisId=nisa)
same(ids(ec2.describe_network_insights_access_scope_analyses(NetworkInsightsAccessScopeId=nis)["NetworkInsightsAccessScopeAnalyses"], "NetworkInsightsAccessScopeAnalysisId"), [nisa], "the analyses of a scope")
refused("AnalysisExistsForNetworkInsightsAccessScope", ec2.delete_network_insights_access_scope, NetworkInsightsAccessScopeId=nis)
dry(ec2.delete_network_insights_access_scope_analysis, NetworkInsightsAccessScopeAnalysisId=nisa)
same(ec2.delete_network_insights_access_scope_analysis(NetworkInsightsAccessScopeAnalysisId=nisa)["NetworkInsightsAccessScopeAnalysisId"], nisa, "deleted")
dry(ec2.delete_network_insights_access_scope, NetworkInsightsAccessScopeId=nis)
same(ec2.delete_network_insights_access_scope(NetworkInsightsAccessScopeId=nis)["NetworkInsightsAccessScopeId"], nis, "deleted")
refused("InvalidNetworkInsightsAccessScopeId.NotFound", ec2.get_network_insights_access_scope_content, NetworkInsightsAccessScopeId=nis)

ec2.terminate_instances(InstanceIds=[ia, ib])
eventually("the instances are gone", lambda: ec2.describe_network_interfaces(Filters=where(vpc_id=vpc))["NetworkInterfaces"] == [])
ec2.detach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
ec2.delete_internet_gateway(InternetGatewayId=igw)
for s in subnets:
    ec2.delete_subnet(SubnetId=s)
ec2.delete_security_group(GroupId=group)
ec2.delete_vpc(VpcId=vpc)
