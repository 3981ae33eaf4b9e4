package ec2

import (
	"context"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// absent is a row of a noun that can be asked for and that nobody has yet.
type absent struct{}

// RowID is no id.
func (absent) RowID() string { return "" }

// absentFilters are the filters of such a noun.
func absentFilters(names ...string) listing.Filters[absent] {
	f := listing.Filters[absent]{Fields: map[string]func(absent) []string{}, Tags: func(absent) []world.Tag { return nil }}
	for _, n := range names {
		f.Fields[n] = never[absent]
	}
	return f
}

// DescribeNetworkInterfacePermissions lists the permissions to attach the caller's interfaces: there are none, because
// they cannot be created.
func (s *Service) DescribeNetworkInterfacePermissions(_ context.Context, _ world.Caller, in *ec2api.DescribeNetworkInterfacePermissionsInput) (*ec2api.DescribeNetworkInterfacePermissionsOutput, error) {
	_, next, err := list(query{noun: "network-interface-permission", ids: in.NetworkInterfacePermissionIds, filters: in.Filters, size: in.MaxResults, token: in.NextToken},
		nil, absentFilters("network-interface-permission.network-interface-permission-id", "network-interface-permission.network-interface-id",
			"network-interface-permission.aws-account-id", "network-interface-permission.aws-service", "network-interface-permission.permission"),
		listing.EC2(5, 255))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeNetworkInterfacePermissionsOutput{NetworkInterfacePermissions: []ec2api.NetworkInterfacePermission{}, NextToken: next}, nil
}
