package ssm

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"kumiko/internal/api"
	"kumiko/internal/api/sealed"
	"kumiko/internal/api/ssmapi"
	"kumiko/internal/api/wire"
	"kumiko/internal/awserr"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

const (
	known   = "i-0123456789abcdef0" // is registered and connected
	unknown = "i-0123456789abcdef1"
)

// site is the service over a World with two instances.
type site struct {
	*Service
	*testing.T
	root world.Caller
	said []string // to agents and clients
}

// wires are the channels of a site.
type wires struct{ *site }

func (s wires) Connected(i world.InstanceID) bool { return i == known }

func (s wires) Begin(r world.NodeSession) error {
	s.said = append(s.said, fmt.Sprintf("begin %s %v", r.Document, r.Parameters))
	return nil
}

func (s wires) End(id, why string) { s.Ended(id, why) }

func (s wires) Token(id string) string { return "token of " + id }

func (s wires) Send(o Order) error {
	s.said = append(s.said, o.Topic+" "+string(o.Content))
	return nil
}

func newSite(t *testing.T) *site {
	t.Helper()
	st := store.OpenMemory()
	t.Cleanup(func() { st.Close() })
	box, err := sealed.New(make([]byte, sealed.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	x := &site{T: t, root: world.Caller{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:root"}}
	_, err = st.Update(t.Context(), func(tx *world.Tx) error {
		p := netip.MustParsePrefix("10.0.0.0/24")
		tx.VPCs.Put(world.VPC{ID: "vpc-1", Meta: tx.NewMeta(x.root, nil), CIDRs: []world.CIDRAssociation{{CIDR: p}}})
		tx.Subnets.Put(world.Subnet{ID: "subnet-1", Meta: tx.NewMeta(x.root, nil), VPC: "vpc-1", CIDR: p})
		for _, id := range []world.InstanceID{known, unknown} {
			tx.Instances.Put(world.Instance{ID: id, Meta: tx.NewMeta(x.root, []world.Tag{{Key: "Name", Value: string(id[18:])}}), VPC: "vpc-1", Subnet: "subnet-1", Power: world.Running})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	x.Service = New(Config{Store: st, Box: box, Channels: wires{x}, URL: "http://127.0.0.1:4566"})
	t.Cleanup(x.Close)
	x.ok(x.UpdateInstanceInformation(t.Context(), x.instance(known), &UpdateInstanceInformationInput{
		InstanceId: new(known), AgentName: new("amazon-ssm-agent"), AgentVersion: new("3.3.0.0"), PlatformType: new("Linux"), ComputerName: new("ip-10-0-0-4"),
	}))
	return x
}

// instance is an instance as a caller.
func (x *site) instance(id string) world.Caller {
	return world.Caller{Account: x.root.Account, Region: x.root.Region, ARN: "arn:aws:sts::111122223333:assumed-role/node/" + id,
		Session: &world.Session{Instance: &world.InstanceOrigin{ARN: "arn:aws:ec2:us-east-1:111122223333:instance/" + id}}}
}

func (x *site) ok(_ any, err error) {
	x.Helper()
	if err != nil {
		x.Error(err)
	}
}

// refused checks that an error has a code.
func (x *site) refused(code string) func(any, error) {
	return func(_ any, err error) {
		x.Helper()
		var e *awserr.Error
		if !errors.As(err, &e) && awserr.From(err, awserr.SSM) != nil {
			e = awserr.From(err, awserr.SSM)
		}
		if e == nil || e.Code != code {
			x.Errorf("%v, want %s", err, code)
		}
	}
}

// status is the state of a node, or nothing.
func (x *site) status(id string) string {
	x.Helper()
	out, err := x.DescribeInstanceInformation(x.Context(), x.root, &ssmapi.DescribeInstanceInformationInput{
		Filters: []ssmapi.InstanceInformationStringFilter{{Key: new("InstanceIds"), Values: []string{id}}},
	})
	if err != nil {
		x.Fatal(err)
	}
	if len(out.InstanceInformationList) == 0 {
		return ""
	}
	return *out.InstanceInformationList[0].PingStatus
}

func TestTheServicesCanBeServed(t *testing.T) {
	x := newSite(t)
	for _, s := range []wire.Service{x.Describe(), x.Delivery(), Gateway()} {
		if _, err := wire.New(s); err != nil {
			t.Error(err)
		}
	}
}

func TestOnlyAnInstanceCanRegisterItself(t *testing.T) {
	x := newSite(t)
	in := &UpdateInstanceInformationInput{InstanceId: new(unknown), AgentVersion: new("3.3.0.0")}
	x.refused("AccessDeniedException")(x.UpdateInstanceInformation(t.Context(), x.instance(known), in))
	x.refused("AccessDeniedException")(x.UpdateInstanceInformation(t.Context(), x.root, in))
	elsewhere := x.instance(unknown)
	elsewhere.Region = "eu-west-1"
	x.refused("InvalidInstanceId")(x.UpdateInstanceInformation(t.Context(), elsewhere, in))
	in.ComputerName = new(strings.Repeat("x", maxText+1))
	x.refused("ValidationException")(x.UpdateInstanceInformation(t.Context(), x.instance(unknown), in))
	if got := x.status(unknown); got != "" {
		t.Errorf("a node that could not register is %s", got)
	}
	in.ComputerName = nil
	x.ok(x.UpdateInstanceInformation(t.Context(), x.instance(unknown), in))
	if got := x.status(unknown); got != "Online" {
		t.Errorf("a node that has registered is %q", got)
	}
}

func TestANodeIsLostAndFoundAgain(t *testing.T) {
	x := newSite(t)
	x.lose(known)
	if got := x.status(known); got != "ConnectionLost" {
		t.Errorf("a node without a word is %s", got)
	}
	x.ok(x.UpdateInstanceInformation(t.Context(), x.instance(known), &UpdateInstanceInformationInput{InstanceId: new(known)}))
	if got := x.status(known); got != "Online" {
		t.Errorf("a node that is back is %s", got)
	}
	session, err := x.StartSession(t.Context(), x.root, &ssmapi.StartSessionInput{Target: new(known)})
	if err != nil {
		t.Fatal(err)
	}
	change := func(f func(*world.Tx)) world.World {
		w, err := x.Store.Update(t.Context(), func(tx *world.Tx) error { f(tx); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	x.EndSessions(change(func(tx *world.Tx) {
		i, _ := tx.Instances.Get(known)
		i.Power = world.Terminated
		tx.Instances.Put(i)
	}))
	change(Finish)
	if _, going := x.Open(*session.SessionId); going {
		t.Error("a session with a terminated instance goes on")
	}
	if got := x.status(known); got != "" {
		t.Errorf("a terminated node is %s", got)
	}
}

func TestSessionsBeginAndEnd(t *testing.T) {
	x := newSite(t)
	start := func(target, document string, parameters map[string][]string) (any, error) {
		in := &ssmapi.StartSessionInput{Target: &target, Parameters: parameters}
		if document != "" {
			in.DocumentName = &document
		}
		return x.StartSession(t.Context(), x.root, in)
	}
	x.refused("TargetNotConnected")(start(unknown, "", nil))
	x.refused("InvalidDocument")(start(known, "none", nil))
	x.refused("InvalidDocument")(start(known, "AWS-RunShellScript", map[string][]string{"commands": {"true"}}))
	x.refused("InvalidParameters")(start(known, "AWS-StartSSHSession", map[string][]string{"portNumber": {"0"}}))
	x.refused("InvalidParameters")(start(known, "AWS-StartSSHSession", map[string][]string{"portNumber": {"22", "23"}}))
	x.refused("InvalidParameters")(start(known, "AWS-StartSSHSession", map[string][]string{"port": {"22"}}))
	x.refused("InvalidParameters")(start(known, "AWS-StartInteractiveCommand", nil))
	x.ok(start(known, "AWS-StartSSHSession", map[string][]string{"portNumber": {"2222"}}))
	x.ok(start(known, "AWS-StartInteractiveCommand", map[string][]string{"command": {"top -b"}}))
	if got := fmt.Sprint(x.said); got != "[begin AWS-StartSSHSession map[portNumber:2222] begin AWS-StartInteractiveCommand map[command:top -b]]" {
		t.Errorf("agents are told %s", got)
	}
	out, err := x.StartSession(t.Context(), x.root, &ssmapi.StartSessionInput{Target: new(known)})
	if err != nil {
		t.Fatal(err)
	}
	if want := "ws://127.0.0.1:4566/v1/data-channel/" + *out.SessionId + "?role=publish_subscribe"; *out.StreamUrl != want || !strings.HasPrefix(*out.SessionId, "root-") {
		t.Errorf("the session is at %s, want %s", *out.StreamUrl, want)
	}
	inside := api.WithWay(t.Context(), api.Way{Secure: true})
	resumed, err := x.ResumeSession(inside, x.root, &ssmapi.ResumeSessionInput{SessionId: out.SessionId})
	if err != nil || *resumed.StreamUrl != "wss://ssmmessages.us-east-1.amazonaws.com/v1/data-channel/"+*out.SessionId+"?role=publish_subscribe" {
		t.Errorf("from within a network the session is at %s: %v", *resumed.StreamUrl, err)
	}
	stranger := world.Caller{Account: "444455556666", Region: "us-east-1"}
	x.refused("DoesNotExistException")(x.TerminateSession(t.Context(), stranger, &ssmapi.TerminateSessionInput{SessionId: out.SessionId}))
	x.Attached(*out.SessionId, true)
	x.ok(x.TerminateSession(t.Context(), x.root, &ssmapi.TerminateSessionInput{SessionId: out.SessionId}))
	if resumed, err = x.ResumeSession(t.Context(), x.root, &ssmapi.ResumeSessionInput{SessionId: out.SessionId}); err != nil || resumed.TokenValue != nil {
		t.Errorf("a session that is over gives the token %v: %v", resumed.TokenValue, err)
	}
	history, err := x.DescribeSessions(t.Context(), x.root, &ssmapi.DescribeSessionsInput{State: new("History")})
	if err != nil || len(history.Sessions) != 1 || *history.Sessions[0].Status != "Terminated" {
		t.Errorf("history: %v %v", history, err)
	}
}

func TestCommandsReachTheirInstances(t *testing.T) {
	x := newSite(t)
	x.ok(x.UpdateInstanceInformation(t.Context(), x.instance(unknown), &UpdateInstanceInformationInput{InstanceId: new(unknown)}))
	x.refused("InvalidInstanceId")(x.SendCommand(t.Context(), x.root, &ssmapi.SendCommandInput{DocumentName: new("AWS-RunShellScript"), InstanceIds: []string{"i-00000000000000000"}, Parameters: map[string][]string{"commands": {"id"}}}))
	x.refused("DuplicateInstanceId")(x.SendCommand(t.Context(), x.root, &ssmapi.SendCommandInput{DocumentName: new("AWS-RunShellScript"), InstanceIds: []string{known, known}, Parameters: map[string][]string{"commands": {"id"}}}))
	out, err := x.SendCommand(t.Context(), x.root, &ssmapi.SendCommandInput{
		DocumentName: new("AWS-RunShellScript"), Targets: []ssmapi.Target{{Key: new("tag:Name"), Values: []string{"0", "1"}}}, Parameters: map[string][]string{"commands": {"id"}},
	})
	if err != nil || *out.Command.TargetCount != 2 {
		t.Fatalf("%v %v", out, err)
	}
	id := *out.Command.CommandId
	if len(x.said) != 1 || !strings.Contains(x.said[0], `"commands":["id"]`) || !strings.Contains(x.said[0], `"executionTimeout":"3600"`) {
		t.Errorf("agents are told %q", x.said)
	}
	x.Answered(Answer{Instance: known, Job: "aws.ssm." + id + "." + known, Reply: `{"documentStatus":"Success","runtimeStatus":{"aws:runShellScript":{"status":"Success","standardOutput":"root\n","startDateTime":"1"}}}`})
	get := func(i string) string {
		got, err := x.GetCommandInvocation(t.Context(), x.root, &ssmapi.GetCommandInvocationInput{CommandId: &id, InstanceId: &i})
		if err != nil {
			t.Fatal(err)
		}
		return *got.Status + " " + *got.StandardOutputContent
	}
	if got := get(known); got != "Success root\n" {
		t.Errorf("the command is %q", got)
	}
	if got := get(unknown); got != "Pending " {
		t.Errorf("a command for a node that is away is %q", got)
	}
	// It is fetched by ec2messages instead, by nobody but the node.
	x.refused("AccessDeniedException")(x.GetMessages(t.Context(), x.instance(known), &GetMessagesInput{Destination: new(unknown)}))
	messages, err := x.GetMessages(t.Context(), x.instance(unknown), &GetMessagesInput{Destination: new(unknown)})
	if err != nil || len(messages.Messages) != 1 || *messages.Messages[0].MessageId != "aws.ssm."+id+"."+unknown {
		t.Fatalf("%v %v", messages, err)
	}
	x.refused("AccessDeniedException")(x.SendReply(t.Context(), x.instance(known), &MessageInput{MessageId: messages.Messages[0].MessageId, Payload: new("{}")}))
	x.ok(x.AcknowledgeMessage(t.Context(), x.instance(unknown), &MessageInput{MessageId: messages.Messages[0].MessageId}))
	x.ok(x.SendReply(t.Context(), x.instance(unknown), &MessageInput{MessageId: messages.Messages[0].MessageId, Payload: new(`{"documentStatus":"Failed"}`)}))
	list, err := x.ListCommands(t.Context(), x.root, &ssmapi.ListCommandsInput{CommandId: &id})
	if err != nil || *list.Commands[0].Status != "Failed" || *list.Commands[0].CompletedCount != 2 {
		t.Errorf("the command as a whole: %v %v", list, err)
	}
}

func TestWaitingCommandsExpire(t *testing.T) {
	x := newSite(t)
	x.ok(x.UpdateInstanceInformation(t.Context(), x.instance(unknown), &UpdateInstanceInformationInput{InstanceId: new(unknown)}))
	out, err := x.SendCommand(t.Context(), x.root, &ssmapi.SendCommandInput{DocumentName: new("AWS-RunShellScript"), InstanceIds: []string{unknown}, Parameters: map[string][]string{"commands": {"id"}}})
	if err != nil {
		t.Fatal(err)
	}
	x.expire(*out.Command.CommandId)
	got, err := x.GetCommandInvocation(t.Context(), x.root, &ssmapi.GetCommandInvocationInput{CommandId: out.Command.CommandId, InstanceId: new(unknown)})
	if err != nil || *got.Status != "TimedOut" || *got.StatusDetails != "DeliveryTimedOut" {
		t.Errorf("%v %v", got, err)
	}
}

func TestDocuments(t *testing.T) {
	x := newSite(t)
	preferences := "schemaVersion: '1.0'\nsessionType: Standard_Stream\ninputs:\n  idleSessionTimeout: '5'\n  maxSessionDuration: '60'\n  runAsEnabled: true\n"
	create := func(name, kind, format, content string) (any, error) {
		return x.CreateDocument(t.Context(), x.root, &ssmapi.CreateDocumentInput{Name: &name, DocumentType: &kind, DocumentFormat: &format, Content: &content})
	}
	x.refused("ValidationException")(create("AWS-Mine", "Session", "YAML", preferences))
	x.refused("InvalidDocumentContent")(create(runShell, "Session", "JSON", "{"))
	x.refused("InvalidDocumentContent")(create(runShell, "Command", "YAML", preferences))
	x.refused("InvalidDocumentSchemaVersion")(create(runShell, "Session", "JSON", `{"schemaVersion":"2.0","sessionType":"Port"}`))
	x.ok(create(runShell, "Session", "YAML", preferences))
	x.refused("DocumentAlreadyExists")(create(runShell, "Session", "YAML", preferences))
	out, err := x.StartSession(t.Context(), x.root, &ssmapi.StartSessionInput{Target: new(known)})
	if err != nil {
		t.Fatal(err)
	}
	if row, _ := x.Open(*out.SessionId); row.Idle != 5*time.Minute || row.Limit != time.Hour {
		t.Errorf("the account's preferences do not count: %v %v", row.Idle, row.Limit)
	}
	update := &ssmapi.UpdateDocumentInput{Name: new(runShell), Content: &preferences, DocumentVersion: new("$LATEST")}
	x.refused("DuplicateDocumentContent")(x.UpdateDocument(t.Context(), x.root, update))
	update.Content = new(preferences + "description: second\n")
	x.ok(x.UpdateDocument(t.Context(), x.root, update))
	x.ok(x.UpdateDocumentDefaultVersion(t.Context(), x.root, &ssmapi.UpdateDocumentDefaultVersionInput{Name: new(runShell), DocumentVersion: new("2")}))
	got, err := x.GetDocument(t.Context(), x.root, &ssmapi.GetDocumentInput{Name: new(runShell), DocumentFormat: new("JSON")})
	if err != nil || !strings.Contains(*got.Content, `"description":"second"`) {
		t.Errorf("%v %v", got, err)
	}
	x.refused("InvalidDocumentOperation")(x.DeleteDocument(t.Context(), x.root, &ssmapi.DeleteDocumentInput{Name: new(runShell), DocumentVersion: new("2")}))
	x.ok(x.DeleteDocument(t.Context(), x.root, &ssmapi.DeleteDocumentInput{Name: new(runShell)}))
	x.refused("InvalidDocument")(x.DescribeDocument(t.Context(), x.root, &ssmapi.DescribeDocumentInput{Name: new("none")}))
	list, err := x.ListDocuments(t.Context(), x.root, &ssmapi.ListDocumentsInput{Filters: []ssmapi.DocumentKeyValuesFilter{{Key: new("DocumentType"), Values: []string{"Session"}}}})
	if err != nil || len(list.DocumentIdentifiers) != 5 {
		t.Errorf("%d documents for sessions: %v", len(list.DocumentIdentifiers), err)
	}
}

func TestParameters(t *testing.T) {
	x := newSite(t)
	put := func(name, kind, value string, overwrite bool) (any, error) {
		return x.PutParameter(t.Context(), x.root, &ssmapi.PutParameterInput{Name: &name, Type: &kind, Value: &value, Overwrite: &overwrite})
	}
	for _, bad := range []string{"aws-mine", "/ssm/x", "a b", "a/b", "/a//b"} {
		x.refused("ValidationException")(put(bad, "String", "v", false))
	}
	x.ok(put("/app/db/url", "String", "one", false))
	x.refused("ParameterAlreadyExists")(put("/app/db/url", "String", "two", false))
	x.ok(put("/app/db/url", "String", "two", true))
	x.ok(put("/app/db/password", secure, "hush", false))
	get := func(name string, decrypt bool) string {
		out, err := x.GetParameter(t.Context(), x.root, &ssmapi.GetParameterInput{Name: &name, WithDecryption: &decrypt})
		if err != nil {
			t.Fatal(err)
		}
		return *out.Parameter.Value
	}
	if get("/app/db/url", false) != "two" || get("/app/db/url:1", false) != "one" || get("/app/db/password", true) != "hush" {
		t.Error("parameters are not what was put")
	}
	if got := get("/app/db/password", false); strings.Contains(got, "hush") {
		t.Errorf("a secret is shown: %s", got)
	}
	w := x.Store.World()
	if row, _ := w.Parameters.Get(world.ParameterKey(x.root.Account, "us-east-1", "/app/db/password")); strings.Contains(row.Latest().Value, "hush") {
		t.Error("a secret is kept in the clear")
	}
	for path, want := range map[string]int{"/app": 0, "/app/db": 2, "/": 0} {
		out, err := x.GetParametersByPath(t.Context(), x.root, &ssmapi.GetParametersByPathInput{Path: &path})
		if err != nil || len(out.Parameters) != want {
			t.Errorf("%s has %d parameters: %v", path, len(out.Parameters), err)
		}
	}
	x.ok(x.AddTagsToResource(t.Context(), x.root, &ssmapi.AddTagsToResourceInput{ResourceType: new("Parameter"), ResourceId: new("/app/db/url"), Tags: []ssmapi.Tag{{Key: new("k"), Value: new("v")}}}))
	found, err := x.DescribeParameters(t.Context(), x.root, &ssmapi.DescribeParametersInput{ParameterFilters: []ssmapi.ParameterStringFilter{{Key: new("tag:k"), Values: []string{"v"}}}})
	if err != nil || len(found.Parameters) != 1 || *found.Parameters[0].Version != 2 {
		t.Errorf("%v %v", found, err)
	}
	x.ok(x.DeleteParameter(t.Context(), x.root, &ssmapi.DeleteParameterInput{Name: new("/app/db/url")}))
	x.refused("ParameterNotFound")(x.DeleteParameter(t.Context(), x.root, &ssmapi.DeleteParameterInput{Name: new("/app/db/url")}))
	x.refused("ParameterNotFound")(x.GetParameter(t.Context(), world.Caller{Account: "444455556666", Region: "us-east-1"}, &ssmapi.GetParameterInput{Name: new("/app/db/password")}))
}
