package awserr

import (
	"errors"
	"fmt"
	"testing"

	"kumiko/internal/world"
)

func TestFrom(t *testing.T) {
	for _, tt := range []struct {
		svc  string
		err  error
		want string // status and text
	}{
		{EC2, &world.Error{Kind: world.NotFound, Noun: "vpc", ID: "vpc-1"}, "400 InvalidVpcID.NotFound: The vpc ID 'vpc-1' does not exist"},
		{EC2, &world.Error{Kind: world.NotFound, Noun: "security-group", ID: "sg-1"}, "400 InvalidGroup.NotFound: The security group 'sg-1' does not exist"},
		{EC2, &world.Error{Kind: world.NotFound, Noun: "image", ID: "ami-1"}, "400 InvalidAMIID.NotFound: The image id '[ami-1]' does not exist"},
		{EC2, &world.Error{Kind: world.InUse, Noun: "subnet", ID: "subnet-1"}, "400 DependencyViolation: The subnet 'subnet-1' has dependencies and cannot be deleted."},
		{EC2, &world.Error{Kind: world.InUse, Noun: "security-group", ID: "sg-1"}, "400 DependencyViolation: resource sg-1 has a dependent object"},
		{EC2, &world.Error{Kind: world.Exhausted, Noun: "subnet", ID: "subnet-1"}, "400 InsufficientFreeAddressesInSubnet: There are not enough free addresses in subnet 'subnet-1' to satisfy the requested number of instances."},
		{EC2, EC2NotFound("instance", "i-a", "i-b"), "400 InvalidInstanceID.NotFound: The instance IDs 'i-a, i-b' do not exist"},
		{EC2, EC2CheckID("subnet", "subnet-0123456789abcdefg"), `400 InvalidSubnetID.Malformed: Invalid id: "subnet-0123456789abcdefg" (expecting "subnet-...")`},
		{EC2, fmt.Errorf("store: %w", EC2DryRun()), "412 DryRunOperation: Request would have succeeded, but DryRun flag is set."},
		{Lattice, &world.Error{Kind: world.NotFound, Noun: "service-network", ID: "sn-1"}, "404 ResourceNotFoundException: SERVICE_NETWORK sn-1 not found"},
		{Lattice, &world.Error{Kind: world.InUse, Noun: "service-network", ID: "sn-1", Message: "busy"}, "409 ConflictException: busy"},
		{Lattice, &world.Error{Kind: world.Exhausted, Noun: "service-network", Message: "50"}, "402 ServiceQuotaExceededException: 50"},
		{Logs, &world.Error{Kind: world.NotFound, Noun: "log-stream", ID: "x"}, "400 ResourceNotFoundException: The specified log stream does not exist."},
		{Logs, &world.Error{Kind: world.Conflict, Noun: "log-group", ID: "x"}, "400 ResourceAlreadyExistsException: The specified log group already exists"},
		{EC2, errors.New("disk on fire"), "none"},
	} {
		got := "none"
		if e := From(tt.err, tt.svc); e != nil {
			got = fmt.Sprintf("%d %s", e.Status, e)
		}
		if got != tt.want {
			t.Errorf("From(%v, %s)\ngot  %s\nwant %s", tt.err, tt.svc, got, tt.want)
		}
	}
}
