package ssm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"kumiko/internal/api/wire"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// holdTime is how long an agent that asks for messages waits when there are none. (amazon-ssm-agent gives up after 20
// seconds, and takes an answer within 10 for an error.)
const holdTime = 18 * time.Second

// Delivery describes the service ec2messages, by which agents fetch commands that have no channel, to the front door.
// (amazon-ssm-agent, vendor/github.com/aws/aws-sdk-go/service/ssmmds.)
func (s *Service) Delivery() wire.Service {
	return wire.Service{
		Name: "ec2messages", Protocol: wire.JSON11, Version: "2015-11-06", TargetPrefix: "EC2WindowsMessageDeliveryService",
		Operations: []wire.Operation{
			wire.Op("GetMessages", s.GetMessages), wire.Op("AcknowledgeMessage", s.AcknowledgeMessage), wire.Op("SendReply", s.SendReply),
			wire.Op("FailMessage", s.FailMessage), wire.Op("DeleteMessage", s.AcknowledgeMessage), wire.Op("GetEndpoint", s.GetEndpoint),
		},
	}
}

// GetMessagesInput asks for what is to be done.
type GetMessagesInput struct {
	Destination                *string `aws:"Destination,need"`
	MessagesRequestId          *string `aws:"MessagesRequestId"`
	VisibilityTimeoutInSeconds *int64  `aws:"VisibilityTimeoutInSeconds"`
}

// GetMessagesOutput is what is to be done.
type GetMessagesOutput struct {
	Destination       *string   `aws:"Destination"`
	MessagesRequestId *string   `aws:"MessagesRequestId"`
	Messages          []Message `aws:"Messages"`
}

// Message is one thing to be done.
type Message struct {
	CreatedDate   *string `aws:"CreatedDate"`
	Destination   *string `aws:"Destination"`
	MessageId     *string `aws:"MessageId"`
	Payload       *string `aws:"Payload"`
	PayloadDigest *string `aws:"PayloadDigest"`
	Topic         *string `aws:"Topic"`
}

// MessageInput names a message, and says what became of it.
type MessageInput struct {
	MessageId   *string `aws:"MessageId,need"`
	Payload     *string `aws:"Payload"`
	ReplyId     *string `aws:"ReplyId"`
	FailureType *string `aws:"FailureType"`
}

// GetMessages waits for commands for the caller's instance, as long as its agent has no channel.
func (s *Service) GetMessages(ctx context.Context, c world.Caller, in *GetMessagesInput) (*GetMessagesOutput, error) {
	id := world.InstanceID(val(in.Destination))
	if by, ok := InstanceOf(c); !ok || by != id {
		return nil, awserr.SSMRefused("AccessDeniedException", "The credentials are not those of the instance %s.", id)
	}
	out := &GetMessagesOutput{Destination: in.Destination, MessagesRequestId: in.MessagesRequestId, Messages: []Message{}}
	ctx, cancel := context.WithTimeout(ctx, holdTime)
	defer cancel()
	changed := s.Store.Watch(ctx)
	for {
		if out.Messages = s.waiting(id); len(out.Messages) > 0 {
			return out, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return out, nil
		}
	}
}

// waiting are the commands that wait for an instance.
func (s *Service) waiting(i world.InstanceID) []Message {
	out := []Message{}
	if s.channels().Connected(i) {
		return out
	}
	w := s.Store.World()
	for _, row := range w.CommandsFor(i) {
		for _, v := range row.Invocations {
			if v.Instance != i || v.Status != pending {
				continue
			}
			payload := string(s.content(row))
			sum := sha256.Sum256([]byte(payload))
			out = append(out, Message{
				CreatedDate: new(row.Created.UTC().Format("2006-01-02T15:04:05.000Z")), Destination: new(string(i)), MessageId: new("aws.ssm." + row.ID + "." + string(i)),
				Payload: &payload, PayloadDigest: new(hex.EncodeToString(sum[:])), Topic: new(sendTopic),
			})
		}
	}
	return out
}

// message is the command that a message of the caller's instance was about.
func message(c world.Caller, id *string) (string, world.InstanceID, error) {
	i, ok := InstanceOf(c)
	command, mine := strings.CutSuffix(strings.TrimPrefix(val(id), "aws.ssm."), "."+string(i))
	if !ok || !mine {
		return "", "", awserr.SSMRefused("AccessDeniedException", "The message %s is not one of the caller's instance.", val(id))
	}
	return command, i, nil
}

// AcknowledgeMessage notes that an agent has taken a command.
func (s *Service) AcknowledgeMessage(_ context.Context, c world.Caller, in *MessageInput) (*Nothing, error) {
	command, i, err := message(c, in.MessageId)
	if err != nil {
		return nil, err
	}
	s.begun(command, i)
	return &Nothing{}, nil
}

// SendReply notes what came of a command.
func (s *Service) SendReply(_ context.Context, c world.Caller, in *MessageInput) (*Nothing, error) {
	if _, _, err := message(c, in.MessageId); err != nil {
		return nil, err
	}
	i, _ := InstanceOf(c)
	if !json.Valid([]byte(val(in.Payload))) {
		return nil, awserr.SSMInvalid("The payload is no JSON.")
	}
	s.Answered(Answer{Instance: i, Job: val(in.MessageId), Reply: val(in.Payload)})
	return &Nothing{}, nil
}

// FailMessage notes that an agent cannot do what it was asked for.
func (s *Service) FailMessage(_ context.Context, c world.Caller, in *MessageInput) (*Nothing, error) {
	command, i, err := message(c, in.MessageId)
	if err != nil {
		return nil, err
	}
	s.end(command, i, reply{DocumentStatus: failed})
	return &Nothing{}, nil
}

// Endpoint is where an agent finds the service.
type Endpoint struct {
	Endpoint *string `aws:"Endpoint"`
}

// GetEndpoint says where the service is.
func (s *Service) GetEndpoint(_ context.Context, c world.Caller, _ *Nothing) (*Endpoint, error) {
	return &Endpoint{new("ec2messages." + c.Region + ".amazonaws.com")}, nil
}
