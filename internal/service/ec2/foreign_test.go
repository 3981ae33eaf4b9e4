package ec2

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/world"
)

// Every operation refuses what it does not know, and changes nothing: ids that are missing, malformed, nobody's, another
// account's or another region's.
func TestUnknownIDs(t *testing.T) {
	b := start(t)
	other := world.Caller{Account: "111111111111", Region: "us-east-1"}
	theirs, far := b.rowsOf(other), b.rowsOf(world.Caller{Account: b.c.Account, Region: "eu-west-1"})
	none := map[string]string{}
	for field, id := range theirs {
		none[field] = id[:strings.LastIndex(id, "-")+1] + "00000000000000000"
	}
	bad := map[string]string{}
	for field := range theirs {
		bad[field] = "not an id"
	}
	h := reflect.TypeFor[ec2api.Handlers]()
	for m := range h.NumMethod() {
		name := h.Method(m).Name
		for kind, ids := range map[string]map[string]string{"missing": {}, "malformed": bad, "nobody's": none, "another account's": theirs, "another region's": far} {
			in, named := request(h.Method(m).Type.In(2).Elem(), ids)
			if len(ids) > 0 && !named || mayBe(name, kind) {
				continue
			}
			before := b.st.World().Rev
			out := reflect.ValueOf(b.Service).MethodByName(name).Call([]reflect.Value{
				reflect.ValueOf(b.Context()), reflect.ValueOf(b.c), in,
			})
			if out[1].IsNil() {
				t.Errorf("%s took ids that are %s", name, kind)
			} else if err := out[1].Interface().(error); asAWS(err) == nil {
				t.Errorf("%s: ids that are %s end in %v", name, kind, err)
			}
			if b.st.World().Rev != before {
				t.Errorf("%s changed the world for ids that are %s", name, kind)
			}
		}
	}
}

// mayBe names the requests that rightly succeed.
func mayBe(op, kind string) bool {
	switch {
	case op == "CreateDefaultVpc", op == "CreateInternetGateway", op == "AllocateAddress", op == "GetInstanceMetadataDefaults":
		return true // they need no id
	case kind == "missing" && op == "DescribeAddressesAttribute":
		return true
	case op == "DeleteKeyPair":
		return kind != "missing" && kind != "malformed"
	case kind == "missing" && strings.HasPrefix(op, "Describe") && !strings.HasSuffix(op, "Attribute"):
		return true
	case kind == "missing" && slices.Contains([]string{"AllocateAddress", "CreateInternetGateway", "CreateDefaultVpc", "DescribeAddressesAttribute"}, op):
		return true // they need none
	case op == "DescribeIamInstanceProfileAssociations":
		return true // its ids only choose
	}
	return false
}

// rowsOf makes one row of each noun for another caller, and gives their ids by the members of requests that take them.
func (b *bench) rowsOf(c world.Caller) map[string]string {
	was := b.c
	b.c = c
	defer func() { b.c = was }()
	ctx := b.Context()
	vpc := b.vpc("10.0.0.0/16")
	subnet := b.subnet(vpc, "10.0.0.0/24")
	key := must(b.CreateKeyPair(ctx, c, &ec2api.CreateKeyPairInput{KeyName: new("k"), KeyType: new("ed25519")}))
	instance := b.instance(subnet)
	w := b.st.World()
	e := w.ENIsOf(world.InstanceID(*instance))[0]
	table, _ := w.RouteTableOf(must(find(&w.Subnets, c, "subnet", subnet)))
	group, _ := w.DefaultGroup(world.VPCID(*vpc))
	v, _ := w.VPCs.Get(world.VPCID(*vpc))
	list := must(b.CreateManagedPrefixList(ctx, c, &ec2api.CreateManagedPrefixListInput{
		PrefixListName: new("l"), AddressFamily: new("IPv4"), MaxEntries: new(int32(1)),
	})).PrefixList.PrefixListId
	i, _ := w.Instances.Get(world.InstanceID(*instance))
	out := map[string]string{
		"VpcId": *vpc, "SubnetId": *subnet, "GroupId": string(group.ID), "RouteTableId": string(table.ID), "NetworkInterfaceId": string(e.ID),
		"InstanceId": *instance, "KeyPairId": *key.KeyPairId, "PrefixListId": *list, "DhcpOptionsId": string(v.DHCPOptions),
		"AssociationId": table.Associations[0].ID, "VolumeId": i.Volume.ID, "NetworkAclId": string(mine(&w.NetworkACLs, c)[0].ID),
		"SecurityGroupRuleId": string(w.RulesOf(group.ID)[0].ID), "ImageId": "ami-00000000000000000",
	}
	maps.Copy(out, b.waysOut(c, vpc, subnet))
	out["Resources"] = *vpc
	return out
}

// request fills the ids of a request, and what else it must have to be looked at.
func request(t reflect.Type, ids map[string]string) (reflect.Value, bool) {
	in := reflect.New(t)
	named := false
	for n := range t.NumField() {
		f, v := t.Field(n), in.Elem().Field(n)
		id, ok := ids[f.Name]
		if !ok && strings.HasSuffix(f.Name, "s") {
			id, ok = ids[strings.TrimSuffix(f.Name, "s")]
		}
		switch {
		case ok && f.Type == reflect.TypeFor[*string]():
			v.Set(reflect.ValueOf(&id))
			named = true
		case ok && f.Type == reflect.TypeFor[[]string]():
			v.Set(reflect.ValueOf([]string{id}))
			named = true
		case f.Name == "CidrBlock" || f.Name == "DestinationCidrBlock":
			v.Set(reflect.ValueOf(new("10.0.1.0/24")))
		case f.Name == "IpPermissions":
			v.Set(reflect.ValueOf(tcp("10.0.0.0/8", 1, 1)))
		case slices.Contains([]string{"MinCount", "MaxCount"}, f.Name):
			v.Set(reflect.ValueOf(new(int32(1))))
		case f.Name == "GroupName" || f.Name == "Description" && f.Type.Elem().Kind() == reflect.String:
			if t.Name() == "CreateSecurityGroupInput" {
				v.Set(reflect.ValueOf(new("x")))
			}
		case f.Name == "Tags" && f.Type == reflect.TypeFor[[]ec2api.Tag]():
			v.Set(reflect.ValueOf([]ec2api.Tag{{Key: new("k"), Value: new("v")}}))
		case f.Name == "EnableDnsSupport" || f.Name == "DisableApiStop" && f.Type == reflect.TypeFor[*ec2api.AttributeBooleanValue]():
			v.Set(reflect.ValueOf(&ec2api.AttributeBooleanValue{Value: new(true)}))
		}
	}
	if t.Name() == "CreateVpcInput" {
		in.Elem().FieldByName("CidrBlock").SetZero() // it needs nothing else
	}
	return in, named
}
