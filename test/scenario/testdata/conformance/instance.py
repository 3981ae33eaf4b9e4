from kit import *

ec2 = client()
vpc = ec2.create_vpc(CidrBlock="10.140.0.0/16")["Vpc"]["VpcId"]
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.140.1.0/24")["Subnet"]["SubnetId"]
group = ec2.create_security_group(GroupName="vm", Description="vm", VpcId=vpc)["GroupId"]
image = ec2.describe_images(Owners=["amazon"], Filters=where(name="al2023-ami-2023*", architecture="x86_64"))["Images"][0]["ImageId"]
args = dict(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=subnet, SecurityGroupIds=[group], PrivateIpAddress="10.140.1.20", ClientToken="conform-run",
            UserData="#!/bin/sh\necho conform\n", TagSpecifications=tags("instance", Name="conform-i") + tags("volume", Name="conform-vol"))
dry(ec2.run_instances, **args)
run = ec2.run_instances(**args)
i = run["Instances"][0]
id = i["InstanceId"]
same(ec2.run_instances(**args)["Instances"][0]["InstanceId"], id, "the same token")
refused("IdempotentParameterMismatch", ec2.run_instances, **{**args, "InstanceType": "t3.small"})
has(i, State={"Code": 0, "Name": "pending"})

def described():
    return ec2.describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"][0]

def state(want):
    eventually(f"the instance is {want}", lambda: described()["State"]["Name"] == want)

state("running")
has(ec2.describe_instances(InstanceIds=[id])["Reservations"][0], ReservationId=run["ReservationId"], OwnerId=None, Groups=[])
i = described()
has(i, AmiLaunchIndex=0, ImageId=image, InstanceType="t3.micro", LaunchTime=None, Monitoring={"State": "disabled"}, PrivateIpAddress="10.140.1.20", ProductCodes=[],
    State={"Code": 16, "Name": "running"}, SubnetId=subnet, VpcId=vpc, Architecture="x86_64",
    ClientToken="conform-run", EbsOptimized=False, EnaSupport=True, Hypervisor="xen", RootDeviceName="/dev/xvda", RootDeviceType="ebs",
    SecurityGroups=[{"GroupName": "vm", "GroupId": group}], SourceDestCheck=True, Tags=[{"Key": "Name", "Value": "conform-i"}], VirtualizationType="hvm",
    EnclaveOptions={"Enabled": False}, HibernationOptions={"Configured": False}, PlatformDetails="Linux/UNIX", UsageOperation="RunInstances",
    CapacityReservationSpecification={"CapacityReservationPreference": "open"})
has(i["MetadataOptions"], State="applied", HttpTokens="required", HttpPutResponseHopLimit=2, HttpEndpoint="enabled", HttpProtocolIpv6="disabled", InstanceMetadataTags="disabled")
has(i["NetworkInterfaces"][0]["Attachment"], DeviceIndex=0, DeleteOnTermination=True, Status="attached", NetworkCardIndex=0, AttachmentId=None)
has(i["BlockDeviceMappings"][0], DeviceName="/dev/xvda")
volume = i["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
has(ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0], State="in-use", Tags=[{"Key": "Name", "Value": "conform-vol"}])
tagged(ec2, id, "instance")
for name, value in dict(instance_id=id, tag___Name="conform-i", vpc_id=vpc, subnet_id=subnet, instance__group_id=group, private_ip_address="10.140.1.20",
                        network_interface__network_interface_id=i["NetworkInterfaces"][0]["NetworkInterfaceId"], client_token="conform-run",
                        reservation_id=run["ReservationId"], block_device_mapping__volume_id=volume).items():
    got = ec2.describe_instances(Filters=where(instance_state_name=["pending", "running"], **{name: value}))["Reservations"]
    same([x["InstanceId"] for r in got for x in r["Instances"]], [id], f"what {name} finds")
refused("InvalidParameterCombination", ec2.describe_instances, InstanceIds=[id], MaxResults=5)

eventually("the checks pass", lambda: ec2.describe_instance_status(InstanceIds=[id])["InstanceStatuses"][0]["InstanceStatus"]["Status"] == "ok")
status = ec2.describe_instance_status(InstanceIds=[id])["InstanceStatuses"][0]
has(status, AvailabilityZone=None, InstanceState={"Code": 16, "Name": "running"})
same(status["SystemStatus"], {"Details": [{"Name": "reachability", "Status": "passed"}], "Status": "ok"}, "system status")

# Attributes.
import base64
same(base64.b64decode(ec2.describe_instance_attribute(InstanceId=id, Attribute="userData")["UserData"]["Value"]), b"#!/bin/sh\necho conform\n", "user data")
ec2.modify_instance_attribute(InstanceId=id, DisableApiTermination={"Value": True})
same(ec2.describe_instance_attribute(InstanceId=id, Attribute="disableApiTermination")["DisableApiTermination"], {"Value": True})
refused("OperationNotPermitted", ec2.terminate_instances, says="Modify its 'disableApiTermination' instance attribute and try again.", InstanceIds=[id])
ec2.modify_instance_attribute(InstanceId=id, Attribute="disableApiTermination", Value="false")
ec2.modify_instance_attribute(InstanceId=id, SourceDestCheck={"Value": False})
same(described()["SourceDestCheck"], False, "check")
ec2.reset_instance_attribute(InstanceId=id, Attribute="sourceDestCheck")
same(described()["SourceDestCheck"], True, "check")
ec2.modify_instance_attribute(InstanceId=id, InstanceInitiatedShutdownBehavior={"Value": "terminate"})
same(ec2.describe_instance_attribute(InstanceId=id, Attribute="instanceInitiatedShutdownBehavior")["InstanceInitiatedShutdownBehavior"], {"Value": "terminate"})
refused("IncorrectInstanceState", ec2.modify_instance_attribute, InstanceId=id, InstanceType={"Value": "t3.small"})
has(ec2.modify_instance_metadata_options(InstanceId=id, HttpTokens="optional", HttpPutResponseHopLimit=5)["InstanceMetadataOptions"], HttpTokens="optional", HttpPutResponseHopLimit=5)

refused("InvalidParameterValue", ec2.modify_instance_attribute, InstanceId=id, Attribute="disableApiTermination", Value="maybe")
refused("InvalidParameterValue", ec2.modify_instance_attribute, InstanceId=id, EnaSupport={"Value": False})
refused("IncorrectInstanceState", ec2.modify_instance_attribute, InstanceId=id, EbsOptimized={"Value": True})

# What is only kept.
same(ec2.monitor_instances(InstanceIds=[id])["InstanceMonitorings"], [{"InstanceId": id, "Monitoring": {"State": "enabled"}}])
same(described()["Monitoring"], {"State": "enabled"}, "monitoring")
same(ec2.unmonitor_instances(InstanceIds=[id])["InstanceMonitorings"][0]["Monitoring"]["State"], "disabled")
has(ec2.modify_instance_maintenance_options(InstanceId=id, AutoRecovery="disabled"), InstanceId=id, AutoRecovery="disabled", RebootMigration="default")
same(described()["MaintenanceOptions"], {"AutoRecovery": "disabled", "RebootMigration": "default"}, "maintenance")
capacity = {"CapacityReservationPreference": "none"}
refused("IncorrectInstanceState", ec2.modify_instance_capacity_reservation_attributes, InstanceId=id, CapacityReservationSpecification=capacity)
got = ec2.modify_instance_credit_specification(InstanceCreditSpecifications=[{"InstanceId": i, "CpuCredits": "standard"} for i in (id, "i-00000000000000000")])
same(got["SuccessfulInstanceCreditSpecifications"], [{"InstanceId": id}], "credits")
same([u["Error"]["Code"] for u in got["UnsuccessfulInstanceCreditSpecifications"]], ["InvalidInstanceID.NotFound"], "credits")
same(ec2.describe_instance_credit_specifications(InstanceIds=[id])["InstanceCreditSpecifications"], [{"InstanceId": id, "CpuCredits": "standard"}], "credits")
has(ec2.get_password_data(InstanceId=id), InstanceId=id, PasswordData="", Timestamp=None)
refused("InvalidParameterCombination", ec2.run_instances, says="The parameter groupName cannot be used with the parameter subnet",
        ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=subnet, SecurityGroups=["vm"])

# What the account prefers of metadata options.
same(ec2.get_instance_metadata_defaults()["AccountLevel"], {}, "metadata defaults")
ec2.modify_instance_metadata_defaults(HttpTokens="optional", HttpPutResponseHopLimit=7, InstanceMetadataTags="enabled")
has(ec2.get_instance_metadata_defaults()["AccountLevel"], HttpTokens="optional", HttpPutResponseHopLimit=7, InstanceMetadataTags="enabled", ManagedBy="account")
one = dict(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=subnet, MaintenanceOptions={"AutoRecovery": "disabled"},
           CapacityReservationSpecification=capacity)
preferred = ec2.run_instances(**one)["Instances"][0]
has(preferred["MetadataOptions"], HttpTokens="optional", HttpPutResponseHopLimit=7, InstanceMetadataTags="enabled")
same(preferred["MaintenanceOptions"]["AutoRecovery"], "disabled", "maintenance")
same(preferred["CapacityReservationSpecification"], capacity, "capacity")
ec2.terminate_instances(InstanceIds=[preferred["InstanceId"]])
ec2.modify_instance_metadata_defaults(HttpTokensEnforced="enabled")
refused("UnsupportedOperation", ec2.run_instances, says="httpTokensEnforced is enabled", **one)
refused("UnsupportedOperation", ec2.modify_instance_metadata_options, says="httpTokensEnforced is enabled", InstanceId=id, HttpTokens="optional")
ec2.modify_instance_metadata_defaults(HttpTokens="no-preference", HttpPutResponseHopLimit=-1, InstanceMetadataTags="no-preference", HttpTokensEnforced="no-preference")
same(ec2.get_instance_metadata_defaults()["AccountLevel"], {}, "metadata defaults taken away")

# A second interface.
eni = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
attach = ec2.attach_network_interface(NetworkInterfaceId=eni, InstanceId=id, DeviceIndex=1)["AttachmentId"]
eventually("it is attached", lambda: ec2.describe_network_interfaces(NetworkInterfaceIds=[eni])["NetworkInterfaces"][0]["Attachment"]["Status"] == "attached")
refused("InvalidNetworkInterface.InUse", ec2.attach_network_interface, NetworkInterfaceId=eni, InstanceId=id, DeviceIndex=2)
refused("InvalidParameterValue", ec2.delete_network_interface, says=f"Network interface '{eni}' is currently in use.", NetworkInterfaceId=eni)
refused("OperationNotPermitted", ec2.detach_network_interface, says="device index 0", AttachmentId=i["NetworkInterfaces"][0]["Attachment"]["AttachmentId"])
ec2.detach_network_interface(AttachmentId=attach)
eventually("it is free", lambda: ec2.describe_network_interfaces(NetworkInterfaceIds=[eni])["NetworkInterfaces"][0]["Status"] == "available")
ec2.delete_network_interface(NetworkInterfaceId=eni)

# Off and on.
change = ec2.stop_instances(InstanceIds=[id])["StoppingInstances"][0]
same((change["PreviousState"]["Name"], change["CurrentState"]["Name"]), ("running", "stopping"), "change")
state("stopped")
same(described()["StateReason"]["Code"], "Client.UserInitiatedShutdown", "reason")
same(ec2.describe_instance_status(InstanceIds=[id])["InstanceStatuses"], [], "status of a stopped instance")
same(len(ec2.describe_instance_status(InstanceIds=[id], IncludeAllInstances=True)["InstanceStatuses"]), 1, "with all")
ec2.modify_instance_attribute(InstanceId=id, InstanceType={"Value": "t3.small"})
change = ec2.start_instances(InstanceIds=[id])["StartingInstances"][0]
same((change["PreviousState"]["Name"], change["CurrentState"]["Name"]), ("stopped", "pending"), "change")
state("running")
same(described()["InstanceType"], "t3.small", "type")
has(ec2.get_console_output(InstanceId=id), InstanceId=id, Timestamp=None)

refused("InvalidKeyPair.NotFound", ec2.run_instances, says="The key pair 'conform-none' does not exist", **{**args, "ClientToken": "a", "PrivateIpAddress": "10.140.1.21", "KeyName": "conform-none"})
refused("InvalidAMIID.Malformed", ec2.run_instances, ImageId="ami-x", InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=subnet)
refused("InvalidParameterValue", ec2.run_instances, ImageId=image, InstanceType="t9.huge", MinCount=1, MaxCount=1, SubnetId=subnet)
refused("InvalidInstanceID.NotFound", ec2.terminate_instances, says="The instance ID 'i-00000000000000000' does not exist", InstanceIds=["i-00000000000000000", id])
refused("DependencyViolation", ec2.delete_security_group, GroupId=group)
refused("DependencyViolation", ec2.delete_subnet, SubnetId=subnet)
dry(ec2.terminate_instances, InstanceIds=[id])
ec2.terminate_instances(InstanceIds=[id])
state("terminated")
ec2.terminate_instances(InstanceIds=[id])
refused("IncorrectInstanceState", ec2.start_instances, says=f"The instance '{id}' is not in a state from which it can be started.", InstanceIds=[id])
refused("IncorrectInstanceState", ec2.stop_instances, says=f"This instance '{id}' is not in a state from which it can be stopped.", InstanceIds=[id])
ec2.delete_security_group(GroupId=group)
ec2.delete_subnet(SubnetId=subnet)
ec2.delete_vpc(VpcId=vpc)
