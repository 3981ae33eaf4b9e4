package frame

import (
	"encoding/binary"
	"encoding/json"
	"time"
)

// Ack is the payload of an acknowledgement. The receiver goes by the sequence number.
type Ack struct {
	Type       Type   `json:"AcknowledgedMessageType"`
	ID         string `json:"AcknowledgedMessageId"`
	Sequence   int64  `json:"AcknowledgedMessageSequenceNumber"`
	Sequential bool   `json:"IsSequentialMessage"`
}

// AckOf acknowledges a message.
func AckOf(m Message, now time.Time) Message {
	a := New(Acknowledge, NoPayload, encode(Ack{Type: m.Type, ID: m.ID.String(), Sequence: m.Sequence, Sequential: true}), now, NewID())
	a.Flags = SYN | FIN
	return a
}

// Terminal is the payload that tells the size of the client's terminal, in characters.
type Terminal struct {
	Cols uint16 `json:"cols"`
	Rows uint16 `json:"rows"`
}

// ChannelClosed tells both ends that the session is over, and why if Output says so.
type ChannelClosed struct {
	MessageType   Type   `json:"MessageType"`
	MessageID     string `json:"MessageId"`
	DestinationID string `json:"DestinationId"`
	SessionID     string `json:"SessionId"`
	SchemaVersion int    `json:"SchemaVersion"`
	CreatedDate   string `json:"CreatedDate"`
	Output        string `json:"Output,omitempty"`
}

// CloseOf makes the message that ends a session.
func CloseOf(session, instance, why string, now time.Time) Message {
	id := NewID()
	return New(Closed, NoPayload, encode(ChannelClosed{
		MessageType: Closed, MessageID: id.String(), DestinationID: instance, SessionID: session, SchemaVersion: 1,
		CreatedDate: now.UTC().Format("2006-01-02T15:04:05.000Z"), Output: why,
	}), now, id)
}

// SessionState is what an agent says of its end of a session: Connected or Terminating.
type SessionState struct {
	SchemaVersion int
	SessionState  string
	SessionID     string `json:"SessionId"`
}

// Task begins a session at an agent. Content is the JSON of a SessionTask.
type Task struct {
	Content       string
	TaskID        string `json:"TaskId"` // the session's id
	Topic         string
	SchemaVersion int
}

// SessionTask is what an agent needs to know of a session. Parameters hold strings, and lists for parameters of type StringList.
type SessionTask struct {
	DocumentName    string
	DocumentContent json.RawMessage
	SessionID       string `json:"SessionId"`
	Parameters      map[string]any
	RunAsUser       string
	SessionOwner    string
}

// TaskResult is an agent's word that a session has ended.
type TaskResult struct {
	SchemaVersion    int
	TaskID           string `json:"TaskId"`
	Topic            string
	FinalTaskStatus  string
	IsRoutingFailure bool
	AwsAccountID     string `json:"AwsAccountId"`
	InstanceID       string `json:"InstanceId"`
	Output           string
	S3Bucket         string
	S3URLSuffix      string `json:"S3UrlSuffix"`
	CwlGroup         string
	CwlStream        string
	RetryNumber      int
}

// TaskAck acknowledges a TaskResult; without it the agent says it again.
type TaskAck struct {
	SchemaVersion int
	MessageID     string `json:"MessageId"`
	TaskID        string `json:"TaskId"`
	Topic         string
}

// JobRequest asks an agent to run a command. Content is JSON.
type JobRequest struct {
	Content       string
	JobID         string `json:"JobId"` // aws.ssm.COMMAND.INSTANCE
	Topic         string
	SchemaVersion int
}

// JobAnswer is an agent's acknowledgement of a job, and what it answers later.
type JobAnswer struct {
	SchemaVersion         int    `json:"schemaVersion,omitempty"`
	JobID                 string `json:"jobId"`
	AcknowledgedMessageID string `json:"acknowledgedMessageId,omitempty"`
	CreatedDate           string `json:"createdDate,omitempty"`
	StatusCode            string `json:"statusCode,omitempty"`
	ErrorMessage          string `json:"errorMessage,omitempty"`
	Content               string `json:"content,omitempty"`
	Topic                 string `json:"topic,omitempty"`
}

// The values of a payload of type Flag.
const (
	DisconnectToPort   uint32 = 1
	TerminateSession   uint32 = 2
	ConnectToPortError uint32 = 3
)

// FlagPayload is the payload of a flag.
func FlagPayload(f uint32) []byte { return binary.BigEndian.AppendUint32(nil, f) }

// FlagOf reads the payload of a flag; zero when it is none.
func FlagOf(payload []byte) uint32 {
	if len(payload) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(payload)
}

// Encode makes the JSON payload of a message.
func Encode(v any) []byte { return encode(v) }

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("frame: " + err.Error()) // the types above can always be encoded
	}
	return b
}
