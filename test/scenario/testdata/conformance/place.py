"""What a region has before anybody made something."""
from kit import *

ec2 = client()
region = ec2.meta.region_name
has(ec2.describe_regions(RegionNames=[region])["Regions"][0], Endpoint=f"ec2.{region}.amazonaws.com", OptInStatus="opt-in-not-required", RegionName=region)
same([r["RegionName"] for r in ec2.describe_regions(Filters=where(endpoint=f"*{region}*"))["Regions"]], [region], "regions by filter")
zones = ec2.describe_availability_zones()["AvailabilityZones"]
same(len(zones) >= 3, True, "three zones")
has(zones[0], State="available", OptInStatus="opt-in-not-required", RegionName=region, ZoneName=region + "a", ZoneId=None, GroupName=None, NetworkBorderGroup=region,
    ZoneType="availability-zone", Messages=[])
same(ids(ec2.describe_availability_zones(Filters=where(zone_id=zones[1]["ZoneId"]))["AvailabilityZones"], "ZoneName"), [zones[1]["ZoneName"]], "zones by filter")
refused("InvalidParameterValue", ec2.describe_availability_zones, ZoneNames=[region + "q"])
attributes = {a["AttributeName"]: [v["AttributeValue"] for v in a["AttributeValues"]] for a in ec2.describe_account_attributes()["AccountAttributes"]}
same(attributes.get("supported-platforms"), ["VPC"], "platforms")
micro = ec2.describe_instance_types(InstanceTypes=["t3.micro"])["InstanceTypes"][0]
has(micro, InstanceType="t3.micro", CurrentGeneration=True, BareMetal=False, Hypervisor="nitro", BurstablePerformanceSupported=True)
has(micro["NetworkInfo"], MaximumNetworkInterfaces=2, Ipv4AddressesPerInterface=2)
same(micro["MemoryInfo"]["SizeInMiB"], 1024, "memory")
refused("InvalidInstanceType", ec2.describe_instance_types, says="The following supplied instance types do not exist: [t9.huge]", InstanceTypes=["t9.huge"])
offered = ec2.describe_instance_type_offerings(LocationType="availability-zone", Filters=where(instance_type="t3.micro"))["InstanceTypeOfferings"]
same(sorted(o["Location"] for o in offered), sorted(z["ZoneName"] for z in zones), "where it is offered")
images = ec2.describe_images(Owners=["amazon"], Filters=where(name="al2023-ami-2023*", architecture="x86_64", state="available"))["Images"]
same(len(images) > 0, True, "images")
has(images[0], ImageId=None, CreationDate=None, Public=True, RootDeviceType="ebs", VirtualizationType="hvm", ImdsSupport="v2.0", OwnerId=None, ImageOwnerAlias="amazon", BlockDeviceMappings=None)
refused("InvalidAMIID.NotFound", ec2.describe_images, says="The image id '[ami-00000000000000000]' does not exist", ImageIds=["ami-00000000000000000"])
