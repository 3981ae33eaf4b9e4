"""Every filter that AWS documents for an operation built here is known, and finds the rows whose answers have the value."""
import re
from kit import *

ec2 = client(checked=False)
vpc = ec2.create_vpc(CidrBlock="10.150.0.0/16")["Vpc"]["VpcId"]
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.150.1.0/24")["Subnet"]["SubnetId"]
igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
image = ec2.describe_images(Owners=["amazon"], Filters=where(name="al2023-ami-2023*", architecture="x86_64"))["Images"][0]["ImageId"]
i = ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, TagSpecifications=tags("network-interface", side="a"),
                      NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnet, "AssociatePublicIpAddress": True}])["Instances"][0]["InstanceId"]
eip = ec2.allocate_address(Domain="vpc", TagSpecifications=tags("elastic-ip", Name="conform"))["AllocationId"]
nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=eip)["NatGateway"]["NatGatewayId"]
eventually("the gateway is available", lambda: ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["State"] == "available")
eventually("its checks pass", lambda: [s["InstanceStatus"]["Status"] for s in ec2.describe_instance_status(InstanceIds=[i])["InstanceStatuses"]] == ["ok"])


# What operations need to be told beside filters.
asks = {"GetSubnetCidrReservations": {"SubnetId": subnet}, "GetSecurityGroupsForVpc": {"VpcId": vpc}}


def leaves(value, path):
    """What an answer has under the path of a filter's name, as text; dates are left out."""
    if isinstance(value, list):
        return [x for v in value for x in leaves(v, path)]
    if path:
        names = {k.lower(): k for k in value} if isinstance(value, dict) else {}
        key = next((names[path[0] + end] for end in ("", "s", "es") if path[0] + end in names), None)
        return leaves(value[key], path[1:]) if key else []
    return [str(value).lower() if isinstance(value, bool) else str(value)] if isinstance(value, (bool, int, str)) else []


def rows(answer):
    """The rows of an answer; of reservations, their instances."""
    out = next((v for k, v in answer.items() if isinstance(v, list)), [])
    return [i for r in out for i in r["Instances"]] if "Reservations" in answer else out


tried = 0
for method, operation in sorted(ec2.meta.method_to_api_mapping.items()):
    shape = ec2.meta.service_model.operation_model(operation).input_shape
    member = next((m for m in ("Filters", "Filter") if shape and m in shape.members), None)
    if not member or not operation.startswith(("Describe", "Get")):
        continue
    call = getattr(ec2, method)
    try:
        all = rows(call(**asks.get(operation, {})))
    except ClientError as e:
        if e.response["ResponseMetadata"]["HTTPStatusCode"] != 501 and "MissingParameter" not in str(e):
            fail(f"{operation}: {e}")
        continue
    for name in re.findall(r"<li>\s*<p>\s*<code>([^<]+)</code>", shape.members[member].documentation):
        if name == "tag" or name.startswith("tag:"):
            name = "tag:side"
        path = name.replace("-", "").split(".")
        having = [(r, v) for r in all for v in leaves(r, path)[:1]] if name != "tag-key" else []
        value = having[-1][1] if having else "nothing-has-this"
        tried += 1
        try:
            found_rows = rows(call(**{member: [{"Name": name, "Values": [re.sub(r"([*?\\])", r"\\\1", value)]}]}, **asks.get(operation, {})))
        except ClientError as e:
            fail(f"{operation}: {e}")
            continue
        if having and having[-1][0] not in found_rows:
            fail(f"{operation}: {name}={value} does not find what has it, but {len(found_rows)} others")
        elif having and [r for r in found_rows if value not in leaves(r, path)]:
            fail(f"{operation}: {name}={value} finds what has it not")
        elif not having and found_rows and name != "tag-key" and path != ["tag:side"]:
            fail(f"{operation}: {name}={value} finds {len(found_rows)}")
if tried < 400:
    fail(f"only {tried} filters were tried")

ec2.terminate_instances(InstanceIds=[i])
ec2.delete_nat_gateway(NatGatewayId=nat)
eventually("the gateway is gone", lambda: ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["State"] == "deleted")
eventually("the instance is gone", lambda: ec2.describe_instances(InstanceIds=[i])["Reservations"][0]["Instances"][0]["State"]["Name"] == "terminated")
ec2.release_address(AllocationId=eip)
ec2.detach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
ec2.delete_internet_gateway(InternetGatewayId=igw)
ec2.delete_subnet(SubnetId=subnet)
ec2.delete_vpc(VpcId=vpc)
