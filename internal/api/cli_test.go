package api

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/api/latticeapi"
	"kumiko/internal/api/logsapi"
)

// aws runs the AWS CLI against h and returns what it prints, errors included.
func aws(t *testing.T, h *httptest.Server, secret string, args ...string) string {
	t.Helper()
	bin, err := exec.LookPath("aws")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the AWS CLI is not installed, and CI needs it")
		}
		t.Skip("the AWS CLI is not installed: its requests are not tested")
	}
	home := t.TempDir()
	cmd := exec.CommandContext(t.Context(), bin, append([]string{"--endpoint-url", h.URL, "--output", "json"}, args...)...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "AWS_ACCESS_KEY_ID=" + testKey, "AWS_SECRET_ACCESS_KEY=" + secret,
		"AWS_DEFAULT_REGION=eu-west-3", "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "AWS_MAX_ATTEMPTS=3",
	}
	out, _ := cmd.CombinedOutput() // errors are part of what is tested
	return strings.TrimSpace(string(out))
}

// compact takes the white space from JSON.
func compact(s string) string {
	var v any
	if json.Unmarshal([]byte(s), &v) != nil {
		return s
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return strings.TrimSpace(b.String())
}

// cliCase is one call of the CLI.
type cliCase struct {
	name, args string
	want       string // output
	in         any    // what the handler saw; nil if it must not be called
}

func ec2Cases() []cliCase {
	return []cliCase{
		{
			"ec2 tags", `ec2 create-vpc --cidr-block 10.0.0.0/16 --tag-specifications ResourceType=vpc,Tags=[{Key=Name,Value=ü+/%}]`,
			`{"Vpc":{"CidrBlock":"10.0.0.0/16","IsDefault":false,"Tags":[{"Key":"Name","Value":"ü+/%"}],"VpcId":"vpc-0123456789abcdef0"}}`,
			&ec2api.CreateVpcInput{CidrBlock: new("10.0.0.0/16"), TagSpecifications: []ec2api.TagSpecification{{ResourceType: new("vpc"), Tags: []ec2api.Tag{{Key: new("Name"), Value: new("ü+/%")}}}}},
		},
		{
			"ec2 boolean structure", `ec2 modify-vpc-attribute --vpc-id vpc-1 --enable-dns-hostnames {"Value":true}`, "",
			&ec2api.ModifyVpcAttributeInput{VpcId: new("vpc-1"), EnableDnsHostnames: &ec2api.AttributeBooleanValue{Value: new(true)}},
		},
		{
			"ec2 permissions", `ec2 authorize-security-group-ingress --group-id sg-1 --ip-permissions IpProtocol=tcp,FromPort=80,ToPort=81,UserIdGroupPairs=[{GroupId=sg-2}],PrefixListIds=[{PrefixListId=pl-1}]`,
			`{"Return":true}`,
			&ec2api.AuthorizeSecurityGroupIngressInput{GroupId: new("sg-1"), IpPermissions: []ec2api.IpPermission{{
				IpProtocol: new("tcp"), FromPort: new(int32(80)), ToPort: new(int32(81)),
				UserIdGroupPairs: []ec2api.UserIdGroupPair{{GroupId: new("sg-2")}}, PrefixListIds: []ec2api.PrefixListId{{PrefixListId: new("pl-1")}},
			}}},
		},
		{
			"ec2 irregular answer", `ec2 describe-instances --filters Name=vpc-id,Values=a,b --no-paginate`,
			`{"Reservations":[{"Instances":[{"InstanceId":"i-1","LaunchTime":"2023-06-20T05:55:02.123Z","PublicDnsName":"","SecurityGroups":[{"GroupId":"sg-1","GroupName":"a&b"}],"State":{"Code":16,"Name":"running"},"StateTransitionReason":"User <initiated>","Tags":[]}],"ReservationId":"r-1"}]}`,
			&ec2api.DescribeInstancesInput{Filters: []ec2api.Filter{{Name: new("vpc-id"), Values: []string{"a", "b"}}}},
		},
		{
			"ec2 error", `ec2 delete-vpc --vpc-id vpc-9`,
			"An error occurred (InvalidVpcID.NotFound) when calling the DeleteVpc operation: The vpc ID 'vpc-9' does not exist",
			&ec2api.DeleteVpcInput{VpcId: new("vpc-9")},
		},
		{
			"ec2 not built", `ec2 create-transit-gateway`,
			"An error occurred (UnsupportedOperation) when calling the CreateTransitGateway operation: The operation CreateTransitGateway is not built in kumiko. docs/coverage.md lists those that are.",
			nil,
		},
	}
}

func otherCases() []cliCase {
	return []cliCase{
		{
			"lattice", `vpc-lattice create-service-network --name my-net --tags a=b --client-token t`, `{"id":"sn-0123456789abcdef0","name":"my-net"}`,
			&latticeapi.CreateServiceNetworkInput{Name: new("my-net"), ClientToken: new("t"), Tags: map[string]string{"a": "b"}},
		},
		{
			"lattice validation", `vpc-lattice create-service-network --name my--net`,
			"An error occurred (ValidationException) when calling the CreateServiceNetwork operation: 1 validation error detected: Value 'my--net' at 'name' failed to satisfy constraint: " +
				"Member must satisfy regular expression pattern: (?![-])(?!.*[-]$)(?!.*[-]{2})[a-z0-9-]+",
			nil,
		},
		{
			"lattice get", `vpc-lattice get-service-network --service-network-identifier arn:aws:vpc-lattice:eu-west-3:111122223333:servicenetwork/sn-0123456789abcdef0`,
			`{"createdAt":"2023-06-20T05:55:02.123Z","id":"arn:aws:vpc-lattice:eu-west-3:111122223333:servicenetwork/sn-0123456789abcdef0","numberOfAssociatedVPCs":2}`,
			&latticeapi.GetServiceNetworkInput{ServiceNetworkIdentifier: new("arn:aws:vpc-lattice:eu-west-3:111122223333:servicenetwork/sn-0123456789abcdef0")},
		},
		{
			"lattice error", `vpc-lattice get-service-network --service-network-identifier sn-ffffffffffffffff0`,
			"An error occurred (ResourceNotFoundException) when calling the GetServiceNetwork operation: SERVICE_NETWORK sn-ffffffffffffffff0 not found",
			&latticeapi.GetServiceNetworkInput{ServiceNetworkIdentifier: new("sn-ffffffffffffffff0")},
		},
		{
			"lattice 204", `vpc-lattice delete-service-network --service-network-identifier sn-0123456789abcdef0`, "",
			&latticeapi.DeleteServiceNetworkInput{ServiceNetworkIdentifier: new("sn-0123456789abcdef0")},
		},
		{
			"lattice query list", `vpc-lattice untag-resource --resource-arn arn:aws:vpc-lattice:eu-west-3:111122223333:servicenetwork/sn-0123456789abcdef0 --tag-keys a b+c`, "",
			&latticeapi.UntagResourceInput{ResourceArn: new("arn:aws:vpc-lattice:eu-west-3:111122223333:servicenetwork/sn-0123456789abcdef0"), TagKeys: []string{"a", "b+c"}},
		},
		{
			"lattice not built", `vpc-lattice get-auth-policy --resource-identifier svc-0123456789abcdef0`,
			"An error occurred (UnknownOperationException) when calling the GetAuthPolicy operation: The operation GetAuthPolicy is not built in kumiko. docs/coverage.md lists those that are.",
			nil,
		},
		{
			"logs", `logs put-log-events --log-group-name g --log-stream-name s --log-events timestamp=1700000000123,message=x`,
			`{"rejectedLogEventsInfo":{"tooNewLogEventStartIndex":1}}`,
			&logsapi.PutLogEventsInput{LogGroupName: new("g"), LogStreamName: new("s"), LogEvents: []logsapi.InputLogEvent{{Timestamp: new(int64(1700000000123)), Message: new("x")}}},
		},
		{
			"logs error", `logs create-log-group --log-group-name g`,
			"An error occurred (ResourceAlreadyExistsException) when calling the CreateLogGroup operation: The specified log group already exists",
			&logsapi.CreateLogGroupInput{LogGroupName: new("g")},
		},
		{
			"unknown service", `sqs list-queues`,
			"An error occurred (UnknownOperationException) when calling the ListQueues operation: The service sqs is not built in kumiko. docs/coverage.md lists those that are.",
			nil,
		},
	}
}

func TestCLI(t *testing.T) {
	h, s := serve(t, nil)
	for _, tt := range slices.Concat(ec2Cases(), otherCases()) {
		t.Run(tt.name, func(t *testing.T) {
			s.note(s.caller, nil)
			got := aws(t, h, testSecret, strings.Fields(tt.args)...)
			if compact(got) != tt.want {
				t.Errorf("printed %s\nwant    %s", compact(got), tt.want)
			}
			in, c := s.last()
			if tt.in == nil && in != nil || tt.in != nil && !reflect.DeepEqual(in, tt.in) {
				have, _ := json.Marshal(in)
				t.Errorf("handler saw %s", have)
			}
			if in != nil && (c.Account != "111122223333" || c.Region != "eu-west-3" || len(c.RequestID) != 36) {
				t.Errorf("caller %+v", c)
			}
		})
	}
}

func TestCLIIdentity(t *testing.T) {
	h, s := serve(t, nil)
	want := `{"Account":"111122223333","Arn":"arn:aws:iam::111122223333:root","UserId":"111122223333"}`
	if got := compact(aws(t, h, testSecret, "sts", "get-caller-identity")); got != want {
		t.Errorf("got %s", got)
	}
	s.note(s.caller, nil)
	for service, code := range map[string]string{
		"sts get-caller-identity": "SignatureDoesNotMatch", "ec2 describe-vpcs": "AuthFailure",
		"logs describe-log-groups": "InvalidSignatureException", "vpc-lattice list-service-networks": "InvalidSignatureException",
	} {
		if got := aws(t, h, "wrong", strings.Fields(service)...); !strings.Contains(got, "("+code+")") {
			t.Errorf("%s: %s", service, got)
		}
	}
	if in, _ := s.last(); in != nil {
		t.Errorf("a request with a wrong signature reached its handler: %v", in)
	}
}
