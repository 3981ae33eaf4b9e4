package lattice

import (
	"context"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"kumiko/internal/api"
	"kumiko/internal/api/latticeapi"
	"kumiko/internal/api/logsapi"
	"kumiko/internal/api/wire"
	"kumiko/internal/record"
	"kumiko/internal/record/access"
	"kumiko/internal/service/logs"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

type noKeys struct{}

func (noKeys) Lookup(world.AccessKeyID, string) (api.Credential, bool) {
	return api.Credential{}, false
}

// kernel plays the reconciler: what was asked for is in the kernel at once, until ctx ends.
func kernel(ctx context.Context, st *store.Store) {
	for changed := st.Watch(ctx); ; {
		st.SetSeen(store.Seen{Rev: st.World().Rev})
		if Unfinished(st.World()) {
			_, _ = st.Update(ctx, func(tx *world.Tx) error { Finish(tx, st.Seen()); return nil })
		}
		for rev := st.Seen().Rev; st.World().Rev == rev; {
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

// TestTranscript plays the control plane of SSH through Lattice with the real aws CLI. A step is a command, what its
// answer must contain, and the names that parts of the answer get for later steps.
func TestTranscript(t *testing.T) {
	if _, err := exec.LookPath("aws"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the aws CLI is missing")
		}
		t.Skip("the aws CLI is not installed: the transcript is not played")
	}
	b := start(t)
	log, err := record.Open(t.TempDir(), record.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	b.patience = 5 * time.Second
	front, err := api.New(api.Config{Open: true, Credentials: noKeys{}, Services: []wire.Service{
		latticeapi.Service(b.Service), logsapi.Service(logs.New(logs.Config{Store: b.st, Log: log})),
	}})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(front)
	defer h.Close()
	ctx, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); kernel(ctx, b.st) }()
	defer func() { end(); <-done }()

	names := map[string]string{}
	for _, v := range []string{"vpc-a", "vpc-b", "subnet-a0", "subnet-b0", "subnet-b1", "subnet-b2", "sg-a1", "sg-b1"} {
		kind, which, _ := strings.Cut(v, "-")
		names["$"+v] = id(kind, which)
	}
	for _, s := range transcript() {
		got := aws(t, h.URL, fill(s.command, names))
		for _, w := range s.want {
			name, pattern, named := strings.Cut(w, " := ")
			if !named {
				pattern = regexp.QuoteMeta(fill(w, names))
			}
			m := regexp.MustCompile(pattern).FindStringSubmatch(got)
			switch {
			case m == nil:
				t.Fatalf("aws %s\nsaid %s\nwant %s", fill(s.command, names), got, fill(w, names))
			case named:
				names[name] = m[len(m)-1]
			}
		}
		if s.command == connect {
			r := access.New(access.Config{Store: b.st, Log: log})
			b.connect(r)
			r.Close()
		}
	}
}

// connect has the recorder told of a connection by every association.
func (b *bench) connect(r *access.Recorder) {
	w := b.st.World()
	for a := range w.ResourceAssociations.All() {
		r.Add(access.Connection{
			Time: time.Now(), Consumer: 1, Client: netip.MustParseAddrPort("10.10.10.36:56200"), Dest: netip.AddrPortFrom(a.Addr, 22),
			From: netip.MustParseAddrPort("10.10.10.33:52008"), Target: netip.MustParseAddrPort("10.10.10.53:22"),
		})
	}
}

func fill(s string, names map[string]string) string {
	return regexp.MustCompile(`\$[a-z0-9-]+`).ReplaceAllStringFunc(s, func(name string) string {
		if v, ok := names[name]; ok {
			return v
		}
		return name
	})
}

func aws(t *testing.T, url, command string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "aws", append([]string{"--endpoint-url", url}, strings.Fields(command)...)...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=000000000000", "AWS_SECRET_ACCESS_KEY=x", "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_PAGER=", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_MAX_ATTEMPTS=1")
	out, _ := cmd.CombinedOutput() // the status is told by the text
	return string(out)
}

type step struct {
	command string
	want    []string
}

// connect is the last step before connections are made.
const connect = "vpc-lattice list-service-network-vpc-associations --service-network-identifier $sn"

func transcript() []step {
	const lattice = "vpc-lattice "
	return []step{
		{"vpc-lattice create-resource-gateway --name small --vpc-identifier $vpc-b --subnet-ids $subnet-b2", []string{
			"An error occurred (ValidationException) when calling the CreateResourceGateway operation: Subnet $subnet-b2 is not valid because it doesn't have the minimum number of IPv4 addresses. Specify a subnet with at least 16 IPv4 addresses."}},
		{"vpc-lattice create-resource-gateway --name test-rgw-b --vpc-identifier $vpc-b --subnet-ids $subnet-b0 $subnet-b1 --security-group-ids $sg-b1 --ip-address-typ IPV4", []string{
			`$rgw := "id": "(rgw-[0-9a-f]{17})"`, `"arn": "arn:aws:vpc-lattice:us-east-1:000000000000:resourcegateway/$rgw"`, `"status": "ACTIVE"`, `"vpcIdentifier": "$vpc-b"`}},
		{"vpc-lattice create-resource-configuration --name test-rcfg-b1 --allow-association-to-shareable-service-network --port-ranges 22 --protocol TCP --type SINGLE --resource-configuration-definition ipResource={ipAddress='10.10.10.53'} --resource-gateway-identifier $rgw", []string{
			`$rcfg := "id": "(rcfg-[0-9a-f]{17})"`, `"status": "ACTIVE"`, `"ipAddress": "10.10.10.53"`, `"allowAssociationToShareableServiceNetwork": true`, `"resourceGatewayId": "$rgw"`}},
		{"vpc-lattice create-resource-configuration --name arn --type ARN --resource-configuration-definition arnResource={arn=arn:aws:ec2:us-east-1:000000000000:instance/i-0902bb7c744b89712} --resource-gateway-identifier $rgw", []string{
			"(ValidationException)", "ARN-based integration is only supported for RDS and not arn:aws:ec2:us-east-1:000000000000:instance/i-0902bb7c744b89712"}},
		{"vpc-lattice create-service-network --name test-service-network-a --auth-type NONE --sharing-config enabled=true", []string{`$sn := "id": "(sn-[0-9a-f]{17})"`, `"enabled": true`}},
		{"vpc-lattice create-access-log-subscription --destination-arn arn:aws:logs:us-east-1:000000000000:log-group:/aws/resource-configuration/:* --resource-identifier $sn --service-network-log-type RESOURCE", []string{
			`"destinationArn": "arn:aws:logs:us-east-1:000000000000:log-group:/aws/resource-configuration/:*"`, `"resourceArn": "arn:aws:vpc-lattice:us-east-1:000000000000:servicenetwork/$sn"`, `"serviceNetworkLogType": "RESOURCE"`}},
		{"vpc-lattice create-access-log-subscription --destination-arn arn:aws:logs:us-east-1:000000000000:log-group:/aws/resource-configuration/ --resource-identifier $rcfg", []string{`log-group:/aws/resource-configuration/:*"`, `"resourceId": "$rcfg"`}},
		{"vpc-lattice create-service-network-resource-association --resource-configuration-identifier $rcfg --service-network-identifier $sn", []string{
			`"status": "CREATE_IN_PROGRESS"`, `$snra := "id": "(snra-[0-9a-f]{17})"`, `"createdBy": "000000000000"`}},
		{"vpc-lattice list-service-network-resource-associations", []string{
			`"domainName": "$snra.$rcfg.4232ccc.vpc-lattice-rsc.us-east-1.on.aws"`, `"hostedZoneId": "Z08285483B41F6ASEM5U1"`, `"status": "ACTIVE"`, `"resourceConfigurationName": "test-rcfg-b1"`, `"isManagedAssociation": false`}},
		{"vpc-lattice create-service-network-vpc-association --service-network-identifier $sn --vpc-identifier $vpc-a --security-group-ids $sg-a1", []string{
			`"status": "CREATE_IN_PROGRESS"`, `$snva := "id": "(snva-[0-9a-f]{17})"`}},
		{connect, []string{`"status": "ACTIVE"`, `"vpcId": "$vpc-a"`, `"serviceNetworkName": "test-service-network-a"`}},
		{"logs describe-log-streams --log-group-name /aws/resource-configuration/", []string{
			`"logStreamName": "/aws/vpc-lattice/resource-access-logs/$rcfg"`, `"logStreamName": "/aws/vpc-lattice/resource-access-logs/$sn"`}},
		{"logs filter-log-events --log-group-name /aws/resource-configuration/ --log-stream-names /aws/vpc-lattice/resource-access-logs/$rcfg --filter-pattern 10.10.10.53:22", []string{`\"gatewayIpPort\":\"10.10.10.33:52008\",\"resourceIpPort\":\"10.10.10.53:22\"}"`}},
		{"logs get-log-events --log-group-name /aws/resource-configuration/ --log-stream-name /aws/vpc-lattice/resource-access-logs/$sn", []string{`:22\"}"`, `"nextForwardToken": "f/`}},
		{lattice + "delete-service-network --service-network-identifier $sn", []string{"An error occurred (ConflictException) when calling the DeleteServiceNetwork operation: ServiceNetwork $sn has VPC(s) associated"}},
		{lattice + "delete-service-network-vpc-association --service-network-vpc-association-identifier $snva", []string{`"status": "DELETE_IN_PROGRESS"`}},
		{lattice + "list-service-network-vpc-associations --service-network-identifier $sn", []string{`"items": []`}},
		{lattice + "get-service-network-vpc-association --service-network-vpc-association-identifier $snva", []string{"(ResourceNotFoundException)"}},
		{lattice + "delete-service-network-resource-association --service-network-resource-association-identifier $snra", []string{`"status": "DELETE_IN_PROGRESS"`}},
		{lattice + "delete-service-network --service-network-identifier $sn", nil},
		{lattice + "delete-resource-configuration --resource-configuration-identifier $rcfg", nil},
		{lattice + "delete-resource-gateway --resource-gateway-identifier $rgw", []string{`"status": "DELETE_IN_PROGRESS"`}},
		{lattice + "list-resource-gateways", []string{`"items": []`}},
	}
}
