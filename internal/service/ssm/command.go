package ssm

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"kumiko/internal/api/ssmapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// usualTimeout is how long a command may wait for its instance. (AWS Systems Manager API Reference, SendCommand.)
const usualTimeout = time.Hour

// Topics of what agents are asked for. (amazon-ssm-agent, agent/messageservice.)
const (
	sendTopic   = "aws.ssm.sendCommand"
	cancelTopic = "aws.ssm.cancelCommand"
)

// The states of commands and of their invocations.
const (
	pending    = "Pending"
	inProgress = "InProgress"
	succeeded  = "Success"
	failed     = "Failed"
	timedOut   = "TimedOut"
	cancelled  = "Cancelled"
)

// refuseCommand refuses what would otherwise be taken and not done.
func refuseCommand(in *ssmapi.SendCommandInput) error {
	log, tell := in.CloudWatchOutputConfig, in.NotificationConfig
	switch {
	case val(in.OutputS3BucketName) != "" || val(in.OutputS3KeyPrefix) != "" || val(in.OutputS3Region) != "":
		return awserr.SSMUnbuilt("Output to S3 is")
	case log != nil && (val(log.CloudWatchLogGroupName) != "" || val(log.CloudWatchOutputEnabled)):
		return awserr.SSMUnbuilt("Output to CloudWatch Logs is")
	case tell != nil && (val(tell.NotificationArn) != "" || len(tell.NotificationEvents) > 0) || val(in.ServiceRoleArn) != "":
		return awserr.SSMUnbuilt("Notifications are")
	case in.AlarmConfiguration != nil:
		return awserr.SSMUnbuilt("Alarms are")
	case val(in.DocumentHash) != "":
		return awserr.SSMUnbuilt("Hashes of documents are")
	}
	return nil
}

// SendCommand asks instances to run a document. Those whose agents take orders get it at once, the others when they
// ask for it.
func (s *Service) SendCommand(ctx context.Context, c world.Caller, in *ssmapi.SendCommandInput) (*ssmapi.SendCommandOutput, error) {
	w := s.Store.World()
	doc, err := s.document(&w, c, val(in.DocumentName), val(in.DocumentVersion))
	if err != nil {
		return nil, err
	}
	if doc.kind != "Command" {
		return nil, awserr.SSMRefused("InvalidDocument", "Document %s is of type %s; commands need one of type Command.", doc.name, doc.kind)
	}
	if err := refuseCommand(in); err != nil {
		return nil, err
	}
	if _, err := doc.fill(in.Parameters); err != nil {
		return nil, err
	}
	nodes, targets, err := chosen(&w, c, in)
	if err != nil {
		return nil, err
	}
	row := world.Command{
		Document: doc.name, Version: val(in.DocumentVersion), Content: doc.json, Parameters: in.Parameters, Comment: val(in.Comment), Owner: c.ARN,
		Timeout: usualTimeout, Targets: targets,
	}
	if in.TimeoutSeconds != nil {
		row.Timeout = time.Duration(*in.TimeoutSeconds) * time.Second
	}
	for _, n := range nodes {
		row.Invocations = append(row.Invocations, world.Invocation{Instance: n.Instance, Name: n.ComputerName, Status: pending, Detail: pending, Code: -1})
	}
	_, err = s.Store.Update(ctx, func(tx *world.Tx) error {
		row.ID, row.Meta = uuid(tx), tx.NewMeta(c, nil)
		tx.Commands.Put(row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		s.deliver(row, n.Instance)
	}
	s.expect(row)
	return &ssmapi.SendCommandOutput{Command: new(describeCommand(row))}, nil
}

// uuid draws a random id. (RFC 9562, version 4.)
func uuid(tx *world.Tx) string {
	h := tx.Hex(32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-" + "89ab"[h[16]%4:h[16]%4+1] + h[17:20] + "-" + h[20:]
}

// chosen are the nodes a command is for. Whom it names must be there; whom it finds by tags may be nobody.
func chosen(w *world.World, c world.Caller, in *ssmapi.SendCommandInput) ([]world.ManagedNode, []world.CommandTarget, error) {
	if len(in.InstanceIds) == 0 && len(in.Targets) == 0 {
		return nil, nil, awserr.SSMInvalid("Either InstanceIds or Targets must be specified.")
	}
	var out []world.ManagedNode
	for i, id := range in.InstanceIds {
		n, ok := w.ManagedNodes.Get(world.InstanceID(id))
		switch {
		case slices.Contains(in.InstanceIds[:i], id):
			return nil, nil, awserr.SSMRefused("DuplicateInstanceId", "The instance ID %s is given twice.", id)
		case !ok || !own(c, n.Meta):
			return nil, nil, awserr.SSMRefused("InvalidInstanceId", "Instances [[%s]] not in a valid state for account %s", id, c.Account)
		}
		out = append(out, n)
	}
	if len(in.Targets) == 0 {
		return out, nil, nil
	}
	var targets []world.CommandTarget
	for _, t := range in.Targets {
		targets = append(targets, world.CommandTarget{Key: val(t.Key), Values: t.Values})
	}
	for _, n := range w.NodesIn(c.Account, c.Region) {
		keep := true
		for _, t := range targets {
			key := t.Key
			if strings.EqualFold(key, "InstanceIds") {
				key = "InstanceIds"
			}
			ok, err := nodeHas(w, n, key, t.Values)
			if err != nil {
				return nil, nil, awserr.SSMInvalid("The target key %s is not valid.", t.Key)
			}
			keep = keep && ok
		}
		if keep {
			out = append(out, n)
		}
	}
	return out, targets, nil
}

// order is what an agent is told of a command. (amazon-ssm-agent, agent/messageservice/contracts.)
type order struct {
	Parameters         map[string]any
	DocumentContent    json.RawMessage
	CommandID          string `json:"CommandId"`
	DocumentName       string
	OutputS3KeyPrefix  string
	OutputS3BucketName string
}

// content is the order of a command, as agents want it.
func (s *Service) content(row world.Command) json.RawMessage {
	doc, err := parse(row.Content)
	if err != nil {
		return nil // it was read when the command was sent
	}
	doc.name = row.Document
	parameters, err := doc.fill(row.Parameters)
	if err != nil {
		return nil
	}
	for name, p := range doc.body.Parameters {
		if _, ok := parameters[name]; !ok {
			parameters[name] = p.Default
		}
	}
	b, err := json.Marshal(order{Parameters: parameters, DocumentContent: json.RawMessage(row.Content), CommandID: row.ID, DocumentName: row.Document})
	if err != nil {
		return nil
	}
	return b
}

// deliver gives a command to an instance whose agent takes orders.
func (s *Service) deliver(row world.Command, i world.InstanceID) {
	if !s.channels().Connected(i) {
		return
	}
	if err := s.channels().Send(Order{Instance: i, ID: row.ID, Topic: sendTopic, Content: s.content(row)}); err == nil {
		s.begun(row.ID, i)
	}
}

// begun writes down that an instance has been given a command.
func (s *Service) begun(command string, i world.InstanceID) {
	now := s.Now()
	s.changeInvocation(command, i, func(v *world.Invocation) {
		if v.Status == pending {
			v.Status, v.Detail, v.Begun = inProgress, inProgress, now
		}
	})
}

// changeInvocation changes an invocation that is not over.
func (s *Service) changeInvocation(command string, i world.InstanceID, f func(*world.Invocation)) {
	s.write(func(tx *world.Tx) error {
		row, ok := tx.Commands.Get(command)
		at := slices.IndexFunc(row.Invocations, func(v world.Invocation) bool { return v.Instance == i && !v.Over() })
		if !ok || at < 0 {
			return nil
		}
		row.Invocations = slices.Clone(row.Invocations)
		f(&row.Invocations[at])
		tx.Commands.Put(row)
		return nil
	})
}

// Reachable gives an instance whose agent takes orders now the commands that wait for it.
func (s *Service) Reachable(i world.InstanceID) {
	w := s.Store.World()
	for _, row := range w.CommandsFor(i) {
		for _, v := range row.Invocations {
			if v.Instance == i && v.Status == pending {
				s.deliver(row, i)
			}
		}
	}
}

// expect lets a command's time run out.
func (s *Service) expect(row world.Command) {
	if s.Channels == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.timers[row.ID] = time.AfterFunc(row.Created.Add(row.Timeout).Sub(s.Now()), func() { s.expire(row.ID) })
}

// expire ends the invocations of a command that no instance has taken.
func (s *Service) expire(command string) {
	s.mu.Lock()
	delete(s.timers, command)
	s.mu.Unlock()
	w := s.Store.World()
	row, _ := w.Commands.Get(command)
	now := s.Now()
	for _, v := range row.Invocations {
		if v.Status == pending {
			s.changeInvocation(command, v.Instance, func(v *world.Invocation) {
				v.Status, v.Detail, v.Ended = timedOut, "DeliveryTimedOut", now
			})
		}
	}
}

// CancelCommand ends a command at instances that have not taken it, and asks the others to end it.
func (s *Service) CancelCommand(_ context.Context, c world.Caller, in *ssmapi.CancelCommandInput) (*ssmapi.CancelCommandOutput, error) {
	row, err := s.command(c, val(in.CommandId))
	if err != nil {
		return nil, err
	}
	for _, id := range in.InstanceIds {
		if !slices.ContainsFunc(row.Invocations, func(v world.Invocation) bool { return string(v.Instance) == id }) {
			return nil, awserr.SSMRefused("InvalidInstanceId", "The command was not sent to the instance %s.", id)
		}
	}
	now := s.Now()
	for _, v := range row.Invocations {
		if v.Over() || len(in.InstanceIds) > 0 && !slices.Contains(in.InstanceIds, string(v.Instance)) {
			continue
		}
		if v.Status == inProgress {
			_ = s.channels().Send(Order{Instance: v.Instance, ID: row.ID, Topic: cancelTopic, Content: cancelContent(row.ID, v.Instance)}) // who is away cannot be told
		}
		s.changeInvocation(row.ID, v.Instance, func(v *world.Invocation) { v.Status, v.Detail, v.Ended = cancelled, cancelled, now })
	}
	return &ssmapi.CancelCommandOutput{}, nil
}

func cancelContent(command string, i world.InstanceID) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"CancelMessageId":%q}`, "aws.ssm."+command+"."+string(i)))
}

// command is a command of the caller's account.
func (s *Service) command(c world.Caller, id string) (world.Command, error) {
	w := s.Store.World()
	row, ok := w.Commands.Get(id)
	if !ok || !own(c, row.Meta) {
		return row, awserr.SSMRefused("InvalidCommandId", "The command %s does not exist.", id)
	}
	return row, nil
}
