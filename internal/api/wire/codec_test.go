package wire_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/api/latticeapi"
	"kumiko/internal/api/logsapi"
	"kumiko/internal/api/route53api"
	"kumiko/internal/api/stsapi"
	"kumiko/internal/api/wire"
	"kumiko/internal/awserr"
)

func codec(t testing.TB, name string) (wire.Codec, wire.Service) {
	t.Helper()
	s := map[string]func() wire.Service{
		"ec2":         func() wire.Service { return ec2api.Service(struct{ ec2api.Handlers }{}) },
		"vpc-lattice": func() wire.Service { return latticeapi.Service(struct{ latticeapi.Handlers }{}) },
		"logs":        func() wire.Service { return logsapi.Service(struct{ logsapi.Handlers }{}) },
		"sts":         func() wire.Service { return stsapi.Service(struct{ stsapi.Handlers }{}) },
		"route53":     func() wire.Service { return route53api.Service(struct{ route53api.Handlers }{}) },
	}[name]()
	c, err := wire.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

// ask sends a request through the codec. The request is "BODY" for ec2 and sts, "Operation BODY" for logs and "METHOD /path?query
// BODY" for vpc-lattice.
func ask(c wire.Codec, service, request string) (any, *wire.Operation, error) {
	r := &wire.Request{Method: http.MethodPost, Path: "/", Header: http.Header{}, Body: []byte(request)}
	switch service {
	case "logs":
		op, body, _ := strings.Cut(request, " ")
		r.Header.Set("X-Amz-Target", "Logs_20140328."+op)
		r.Body = []byte(body)
	case "vpc-lattice", "route53":
		method, rest, _ := strings.Cut(request, " ")
		target, body, _ := strings.Cut(rest, " ")
		r.Method, r.Body = method, []byte(body)
		r.Path, r.Query, _ = strings.Cut(target, "?")
	}
	op, e := c.Route(r)
	if e != nil {
		return nil, nil, e
	}
	in, e := c.Decode(r, op)
	if e != nil {
		return nil, op, e
	}
	return in, op, nil
}

func TestBadInput(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 20000)
	for _, tt := range []struct{ service, request, want string }{
		{"ec2", "", "MissingAction: The request is missing an action or a required parameter."},
		{"ec2", "Action=Nonsense", "InvalidAction: The action Nonsense is not valid for this web service."},
		{"ec2", "Action=DeleteVpc&Version=2006-01-01&VpcId=vpc-1", "InvalidAction: The action DeleteVpc is not valid for this web service."},
		{"ec2", "Action=CreateVpnGateway", "UnsupportedOperation: The operation CreateVpnGateway is not built in kumiko. docs/coverage.md lists those that are."},
		{"ec2", "Action=DeleteVpc", "MissingParameter: The request must contain the parameter VpcId"},
		{"ec2", "Action=StartInstances&InstanceId=", "MissingParameter: The request must contain the parameter InstanceId"},
		{"ec2", "Action=DeleteVpc&VpcId=vpc-1&Colour=red", "UnknownParameter: The parameter Colour is not recognized"},
		{"ec2", "Action=DeleteVpc&VpcId.1=vpc-1", "UnknownParameter: The parameter VpcId.1 is not recognized"},
		{"ec2", "Action=DescribeVpcs&VpcId=vpc-1", "UnknownParameter: The parameter VpcId is not recognized"},
		{"ec2", "Action=DescribeVpcs&VpcId.01=vpc-1", "UnknownParameter: The parameter VpcId.01 is not recognized"},
		{"ec2", "Action=DescribeVpcs&Filter.1=vpc-id", "UnknownParameter: The parameter Filter.1 is not recognized"},
		{"ec2", "Action=DescribeVpcs&Filter.999999999.Name=a", "InvalidParameterValue: Value (999999999) for parameter Filter.999999999 is invalid. The number of a list's item is out of range."},
		{"ec2", "Action=DescribeVpcs&Filter.0.Name=a", "InvalidParameterValue: Value (0) for parameter Filter.0 is invalid. The number of a list's item is out of range."},
		{"ec2", "Action=DescribeVpcs&MaxResults=many", "InvalidParameterValue: Value (many) for parameter MaxResults is invalid. Expecting an integer."},
		{"ec2", "Action=DescribeVpcs&MaxResults=99999999999", "InvalidParameterValue: Value (99999999999) for parameter MaxResults is invalid. Expecting an integer."},
		{"ec2", "Action=DescribeVpcs&DryRun=yes", "InvalidParameterValue: Value (yes) for parameter DryRun is invalid. Expecting true or false."},
		{"ec2", "Action=ImportKeyPair&KeyName=k&PublicKeyMaterial=%25", "InvalidParameterValue: Value (%) for parameter PublicKeyMaterial is invalid. Expecting base64."},
		{"ec2", "Action=DescribeVpcs&A=%zz", "MalformedQueryString: The query string is malformed."},
		{"ec2", "Action=DescribeVpcs&A=%ff", "MalformedQueryString: The query string is not UTF-8."},
		{"ec2", "Action=DeleteVpc&VpcId=a&VpcId=b", "InvalidParameterValue: Value (b) for parameter VpcId is invalid. The parameter is given twice."},
		{"ec2", "Action=DescribeVpcs&" + strings.Repeat("A.", 40) + "A=1", "MalformedQueryString: The request has too many parameters."},
		{"sts", "Action=GetAccessKeyInfo&AccessKeyId=short", "ValidationError: 1 validation error detected: Value 'short' at 'AccessKeyId' failed to satisfy constraint: Member must have length greater than or equal to 16"},
		{"sts", "Action=GetCallerIdentity&Unknown=1", ""},
		{"logs", "Nonsense {}", "UnknownOperationException: Unknown operation Nonsense"},
		{"logs", "StartQuery {}", "UnknownOperationException: The operation StartQuery is not built in kumiko. docs/coverage.md lists those that are."},
		{"logs", "DescribeLogGroups [1]", "SerializationException: The body is not a JSON object."},
		{"logs", "DescribeLogGroups {}{}", "SerializationException: There is more than one JSON value in the body."},
		{"logs", "DescribeLogGroups {\"limit\":\xff}", "SerializationException: The body is not UTF-8."},
		{"logs", "DescribeLogGroups " + deep, "SerializationException: The body is not a JSON object."},
		{"logs", `DescribeLogGroups {"limit":"5"}`, "SerializationException: limit: Expecting a number."},
		{"logs", `DescribeLogGroups {"limit":1.5}`, "SerializationException: limit: Expecting a whole number in range."},
		{"logs", `DescribeLogGroups {"limit":1e400}`, "SerializationException: limit: Expecting a number in range."},
		{"logs", `DescribeLogGroups {"limit":5.0,"unknown":[{}],"nextToken":null}`, ""},
		{"logs", `PutLogEvents {"logGroupName":"g","logStreamName":"s","logEvents":[null]}`, "SerializationException: logEvents.1: Lists have no null items."},
		{"logs", `PutLogEvents {"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":1}]}`,
			"InvalidParameterException: 1 validation error detected: Value null at 'logEvents.1.member.message' failed to satisfy constraint: Member must not be null"},
		{"logs", `DescribeLogGroups {"limit":51}`, "InvalidParameterException: 1 validation error detected: Value '51' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 50"},
		{"logs", `CreateLogGroup {}`, "InvalidParameterException: 1 validation error detected: Value null at 'logGroupName' failed to satisfy constraint: Member must not be null"},
		{"vpc-lattice", "GET /nowhere", "UnknownOperationException: Unknown operation GET /nowhere"},
		{"vpc-lattice", "GET /authpolicy/svc-0123456789abcdef0", "UnknownOperationException: The operation GetAuthPolicy is not built in kumiko. docs/coverage.md lists those that are."},
		{"vpc-lattice", "GET /tags/", "UnknownOperationException: Unknown operation GET /tags/"},
		{"vpc-lattice", "GET /tags/a%zz", "ValidationException: The path is malformed."},
		{"vpc-lattice", "GET /servicenetworks?maxResults=x", "ValidationException: maxResults: Expecting an integer."},
		{"vpc-lattice", "GET /servicenetworks?maxResults=1&maxResults=2", "ValidationException: maxResults: The parameter is given twice."},
		{"vpc-lattice", "POST /servicenetworks {", "ValidationException: The body is not a JSON object."},
		{"vpc-lattice", `POST /servicenetworks {"name":"A","authType":"x"}`,
			"ValidationException: 3 validation errors detected: Value 'A' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 3; " +
				"Value 'A' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?![-])(?!.*[-]$)(?!.*[-]{2})[a-z0-9-]+; " +
				"Value 'x' at 'authType' failed to satisfy constraint: Member must satisfy enum value set: [NONE, AWS_IAM]"},
		{"vpc-lattice", `POST /resourceconfigurations {"name":"abc","type":"SINGLE","resourceConfigurationDefinition":{}}`,
			"ValidationException: 1 validation error detected: Value with 0 members at 'resourceConfigurationDefinition' failed to satisfy constraint: Member must have exactly one member set"},
		{"vpc-lattice", `POST /resourcegateways {"name":"abc","subnetIds":["x"]}`,
			"ValidationException: 1 validation error detected: Value 'x' at 'subnetIds.1.member' failed to satisfy constraint: Member must have length greater than or equal to 5"},
	} {
		c, _ := codec(t, tt.service)
		_, _, err := ask(c, tt.service, tt.request)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s %.80q\ngot  %s\nwant %s", tt.service, tt.request, got, tt.want)
		}
	}
}

// TestEncode compares whole answers.
func TestEncode(t *testing.T) {
	at := time.Date(2023, 6, 20, 5, 55, 2, 123e6, time.FixedZone("", 3600))
	for _, tt := range []struct {
		service, request string
		out              any
		want             string
	}{
		{"ec2", "Action=DeleteKeyPair&KeyName=a", &ec2api.DeleteKeyPairOutput{Return: new(true)},
			`<DeleteKeyPairResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>ID</requestId><return>true</return></DeleteKeyPairResponse>`},
		{"ec2", "Action=DeleteVpc&VpcId=a", &ec2api.DeleteVpcOutput{},
			`<DeleteVpcResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>ID</requestId><return>true</return></DeleteVpcResponse>`},
		{"ec2", "Action=DescribeVpcs", &ec2api.DescribeVpcsOutput{Vpcs: []ec2api.Vpc{{VpcId: new("a]]>\x01"), Tags: []ec2api.Tag{}}}},
			`<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>ID</requestId><vpcSet><item><tagSet/><vpcId>a]]&gt;` + "\uFFFD" + `</vpcId></item></vpcSet></DescribeVpcsResponse>`},
		{"ec2", "Action=DescribeVpcAttribute&VpcId=a&Attribute=b", &ec2api.DescribeVpcAttributeOutput{EnableDnsSupport: &ec2api.AttributeBooleanValue{Value: new(true)}},
			`<DescribeVpcAttributeResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>ID</requestId><enableDnsSupport><value>true</value></enableDnsSupport></DescribeVpcAttributeResponse>`},
		{"sts", "Action=GetCallerIdentity", &stsapi.GetCallerIdentityOutput{Account: new("1")},
			`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></GetCallerIdentityResponse>`},
		{"logs", "DescribeLogGroups {}", &logsapi.DescribeLogGroupsOutput{LogGroups: []logsapi.LogGroup{{Arn: new("<é\x00\">"), StoredBytes: new(int64(1 << 60))}}},
			`{"logGroups":[{"arn":"<é\u0000\">","storedBytes":1152921504606846976}]}`},
		{"logs", `ListTagsForResource {"resourceArn":"a"}`, &logsapi.ListTagsForResourceOutput{Tags: map[string]string{"b": "2", "a": "1"}}, `{"tags":{"a":"1","b":"2"}}`},
		{"vpc-lattice", "GET /servicenetworks/sn-0123456789abcdef0", &latticeapi.GetServiceNetworkOutput{CreatedAt: &at}, `{"createdAt":"2023-06-20T04:55:02.123Z"}`},
		{"route53", "GET /2013-04-01/hostedzone/Z1/rrset", &route53api.ListResourceRecordSetsOutput{
			ResourceRecordSets: []route53api.ResourceRecordSet{{Name: new(`\052.a.`), Weight: new(int64(0)), ResourceRecords: []route53api.ResourceRecord{{Value: new(`"<é"`)}}}}, IsTruncated: new(false),
		}, `<ListResourceRecordSetsResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ResourceRecordSets><ResourceRecordSet><Name>\052.a.</Name><Weight>0</Weight><ResourceRecords><ResourceRecord><Value>&#34;&lt;é&#34;</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></ResourceRecordSets><IsTruncated>false</IsTruncated></ListResourceRecordSetsResponse>`},
		{"vpc-lattice", "GET /servicenetworks", &latticeapi.ListServiceNetworksOutput{Items: []latticeapi.ServiceNetworkSummary{}}, `{"items":[]}`},
	} {
		c, _ := codec(t, tt.service)
		_, op, err := ask(c, tt.service, tt.request)
		if op == nil {
			t.Fatalf("%s: %v", tt.request, err)
		}
		got := strings.TrimPrefix(string(c.Encode(op, tt.out, "ID").Body), "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
		if got != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", tt.request, got, tt.want)
		}
	}
}

// fuzz asks a service whatever comes. Every refusal must be the client's fault, every answer well formed.
func fuzz(f *testing.F, service string, seeds ...string) {
	c, s := codec(f, service)
	f.Add("")
	for _, op := range s.Operations {
		switch service {
		case "logs":
			f.Add(op.Name + ` {"logGroupName":"a","tags":{"a":"b"},"limit":1}`)
		case "route53":
			f.Add(op.Method + " " + op.Path + `?maxitems=1 <R><Name>a</Name><VPC><VPCId>vpc-1</VPCId></VPC></R>`)
		case "vpc-lattice":
			f.Add(op.Method + " " + op.Path + `?maxResults=1 {"name":"a","tags":{"a":"b"}}`)
		default:
			f.Add("Action=" + op.Name + "&Filter.1.Name=a&Filter.1.Value.1=b&MaxResults=5")
		}
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, request string) {
		in, op, err := ask(c, service, request)
		if err == nil && (in == nil || reflect.ValueOf(in).IsNil()) {
			t.Fatal("neither input nor error")
		}
		if err == nil {
			well(t, c.Encode(op, in, "ID"), service) // an input is a structure like any output, if it is this operation's own
			return
		}
		var e *awserr.Error
		if !errors.As(err, &e) || (e.Status < 400 || e.Status > 499) && e.Status != http.StatusNotImplemented {
			t.Fatalf("not the client's fault: %v", err)
		}
		well(t, c.EncodeError(e, "ID"), service)
	})
}

// well checks that an answer can be parsed.
func well(t *testing.T, r wire.Response, service string) {
	t.Helper()
	if len(r.Body) == 0 {
		return
	}
	if service == "logs" || service == "vpc-lattice" {
		if !json.Valid(r.Body) {
			t.Fatalf("not JSON: %s", r.Body)
		}
		return
	}
	d := xml.NewDecoder(strings.NewReader(string(r.Body)))
	for {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("not XML: %v: %s", err, r.Body)
		}
	}
}

func FuzzEC2Query(f *testing.F) {
	fuzz(f, "ec2", "Action=RunInstances&MinCount=1&MaxCount=1&NetworkInterface.1.PrivateIpAddresses.1.Primary=true&UserData=eA==",
		"Action=DescribeVpcs&Filter.999999999.Name=a", "Action=AuthorizeSecurityGroupIngress&IpPermissions.1.Groups.1.GroupId=sg-1")
}

func FuzzRestXML(f *testing.F) {
	fuzz(f, "route53", "POST /2013-04-01/hostedzone/Z1/rrset/ <A><ChangeBatch><Changes><Change><Action>CREATE</Action></Change></Changes></ChangeBatch></A>",
		"POST /2013-04-01/hostedzone <!DOCTYPE a><a/>", "POST /2013-04-01/hostedzone <a><b></a>")
}

// TestRestXMLRefusals: what is not understood is refused in Route 53's form and words.
func TestRestXMLRefusals(t *testing.T) {
	c, _ := codec(t, "route53")
	for request, want := range map[string]string{
		"POST /2013-04-01/hostedzone <R><Name>a</Name><CallerReference>r</CallerReference><Nonsense>1</Nonsense></R>": "<Code>InvalidInput</Code><Message>Invalid XML ; Invalid content was found starting with element &#39;Nonsense&#39;.</Message>",
		"POST /2013-04-01/hostedzone <R><Name>a</Name></R>":                                                           "<Code>InvalidInput</Code><Message>1 validation error detected: Value null at &#39;callerReference&#39; failed to satisfy constraint: Member must not be null</Message>",
		"POST /2013-04-01/hostedzone <R>":                                                                             "<Code>InvalidInput</Code><Message>Invalid XML ; The document is malformed.</Message>",
		"POST /2013-04-01/trafficpolicy <R/>":                                                                         "<Code>InvalidAction</Code><Message>The operation CreateTrafficPolicy is not built in kumiko. docs/coverage.md lists those that are.</Message>",
		"GET /2013-04-01/hostedzone/Z1/rrset?name=a&type=NONSENSE":                                                    "at &#39;type&#39; failed to satisfy constraint: Member must satisfy enum value set: [",
	} {
		_, _, err := ask(c, "route53", request)
		var e *awserr.Error
		if !errors.As(err, &e) {
			t.Errorf("%s is accepted", request)
			continue
		}
		got := string(c.EncodeError(e, "ID").Body)
		if !strings.Contains(got, want) || !strings.Contains(got, `<ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Error><Type>`) || !strings.HasSuffix(got, "<RequestId>ID</RequestId></ErrorResponse>") {
			t.Errorf("%s: %s", request, got)
		}
	}
}

func FuzzAWSQuery(f *testing.F) {
	fuzz(f, "sts", "Action=GetAccessKeyInfo&AccessKeyId=AKIAIOSFODNN7EXAMPLE")
}

func FuzzJSON(f *testing.F) {
	fuzz(f, "logs", `PutLogEvents {"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":1e3,"message":"x"}]}`)
}

func FuzzRestJSON(f *testing.F) {
	fuzz(f, "vpc-lattice", "DELETE /tags/arn%3Aaws%2Fx?tagKeys=a&tagKeys=b ", `POST /resourceconfigurations {"resourceConfigurationDefinition":{"ipResource":{"ipAddress":"10.0.0.1"}}}`)
}

// BenchmarkDecodeEncode reads a request and writes an answer with 100 VPCs.
func BenchmarkDecodeEncode(b *testing.B) {
	c, _ := codec(b, "ec2")
	out := &ec2api.DescribeVpcsOutput{}
	for range 100 {
		out.Vpcs = append(out.Vpcs, ec2api.Vpc{VpcId: new("vpc-0123456789abcdef0"), CidrBlock: new("10.0.0.0/16"), IsDefault: new(false), Tags: []ec2api.Tag{{Key: new("Name"), Value: new("x")}}})
	}
	for b.Loop() {
		_, op, err := ask(c, "ec2", "Action=DescribeVpcs&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1&Version=2016-11-15")
		if err != nil {
			b.Fatal(err)
		}
		c.Encode(op, out, "ID")
	}
}
