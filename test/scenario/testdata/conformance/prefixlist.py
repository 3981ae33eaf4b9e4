from kit import *

ec2 = client()
args = dict(PrefixListName="conform-list", MaxEntries=3, AddressFamily="IPv4", Entries=[{"Cidr": "192.0.2.0/24", "Description": "one"}], ClientToken="conform-pl",
            TagSpecifications=tags("prefix-list", Name="conform-pl"))
dry(ec2.create_managed_prefix_list, **args)
pl = ec2.create_managed_prefix_list(**args)["PrefixList"]
id = pl["PrefixListId"]
same(ec2.create_managed_prefix_list(**args)["PrefixList"]["PrefixListId"], id, "the same token")
has(pl, State="create-in-progress", AddressFamily="IPv4", MaxEntries=3, Version=1, PrefixListArn=None, OwnerId=None, Tags=[{"Key": "Name", "Value": "conform-pl"}])

def described():
    return ec2.describe_managed_prefix_lists(PrefixListIds=[id])["PrefixLists"][0]

eventually("the list is there", lambda: described()["State"] == "create-complete")
tagged(ec2, id, "prefix-list")
same(ec2.get_managed_prefix_list_entries(PrefixListId=id)["Entries"], [{"Cidr": "192.0.2.0/24", "Description": "one"}], "entries")
refused("PrefixListVersionMismatch", ec2.modify_managed_prefix_list, PrefixListId=id, CurrentVersion=7, AddEntries=[{"Cidr": "198.51.100.0/24"}])
ec2.modify_managed_prefix_list(PrefixListId=id, CurrentVersion=1, AddEntries=[{"Cidr": "198.51.100.0/24"}], RemoveEntries=[{"Cidr": "192.0.2.0/24"}])
eventually("the list is changed", lambda: described()["State"] == "modify-complete")
same(described()["Version"], 2, "version")
same(ids(ec2.get_managed_prefix_list_entries(PrefixListId=id)["Entries"], "Cidr"), ["198.51.100.0/24"], "entries")
same(ids(ec2.get_managed_prefix_list_entries(PrefixListId=id, TargetVersion=1)["Entries"], "Cidr"), ["192.0.2.0/24"], "entries of version 1")
refused("InvalidPrefixListVersion.NotFound", ec2.get_managed_prefix_list_entries, PrefixListId=id, TargetVersion=3)
restore = dict(PrefixListId=id, PreviousVersion=1, CurrentVersion=2)
dry(ec2.restore_managed_prefix_list_version, **restore)
refused("PrefixListVersionMismatch", ec2.restore_managed_prefix_list_version, **{**restore, "CurrentVersion": 1})
has(ec2.restore_managed_prefix_list_version(**restore)["PrefixList"], State="restore-in-progress", Version=3)
same(ec2.get_managed_prefix_list_entries(PrefixListId=id)["Entries"], [{"Cidr": "192.0.2.0/24", "Description": "one"}], "entries restored")
ec2.restore_managed_prefix_list_version(PrefixListId=id, PreviousVersion=2, CurrentVersion=3)
same(ids(ec2.get_managed_prefix_list_entries(PrefixListId=id)["Entries"], "Cidr"), ["198.51.100.0/24"], "entries restored again")
refused("PrefixListMaxEntriesExceeded", ec2.modify_managed_prefix_list, PrefixListId=id, CurrentVersion=4, AddEntries=[{"Cidr": f"10.{n}.0.0/16"} for n in range(3)])
ec2.modify_managed_prefix_list(PrefixListId=id, PrefixListName="conform-renamed")
same(described()["Version"], 4, "version")
found(ec2.describe_managed_prefix_lists, "PrefixLists", "PrefixListId", [id], prefix_list_id=id, prefix_list_name="conform-*", tag___Name="conform-pl")
own = ec2.describe_managed_prefix_lists(Filters=where(owner_id="AWS"))["PrefixLists"]
same("com.amazonaws.%s.s3" % ec2.meta.region_name in [p["PrefixListName"] for p in own], True, "AWS's own")
refused("UnauthorizedOperation", ec2.delete_managed_prefix_list, PrefixListId=own[0]["PrefixListId"])
same(len(ec2.describe_prefix_lists(PrefixListIds=[own[0]["PrefixListId"]])["PrefixLists"]), 1, "the older call")
dry(ec2.delete_managed_prefix_list, PrefixListId=id)
ec2.delete_managed_prefix_list(PrefixListId=id)
refused("InvalidPrefixListID.NotFound", ec2.delete_managed_prefix_list, PrefixListId=id)
