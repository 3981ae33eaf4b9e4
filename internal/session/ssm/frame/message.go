package frame

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Type says what a message is for.
type Type string

// The types of messages. Stream data and acknowledgements go between client and agent; the others are between the
// service and one of them. (amazon-ssm-agent, agent/session/contracts.)
const (
	Input           Type = "input_stream_data"  // client → agent
	Output          Type = "output_stream_data" // agent → client
	Acknowledge     Type = "acknowledge"
	Closed          Type = "channel_closed"         // service → both: the session is over
	Start           Type = "start_publication"      // service → both: the peer is there
	Pause           Type = "pause_publication"      // service → both: the peer is away
	State           Type = "agent_session_state"    // agent → service
	Shell           Type = "interactive_shell"      // service → agent: begin a session
	TaskComplete    Type = "agent_task_complete"    // agent → service: a session has ended
	TaskAcknowledge Type = "agent_task_acknowledge" // service → agent
	Job             Type = "agent_job"              // service → agent: run a command
	JobAck          Type = "agent_job_ack"
	JobReply        Type = "agent_job_reply"
	JobReplyAck     Type = "agent_job_reply_ack"
)

// PayloadType says what the payload of stream data is.
type PayloadType uint32

// The types of payloads. (amazon-ssm-agent, agent/session/contracts/model.go.)
const (
	NoPayload         PayloadType = 0 // of control messages and acknowledgements
	Bytes             PayloadType = 1 // of a terminal or a connection
	Size              PayloadType = 3 // of the client's terminal
	HandshakeRequest  PayloadType = 5
	HandshakeResponse PayloadType = 6
	HandshakeComplete PayloadType = 7
	Flag              PayloadType = 10
	StdErr            PayloadType = 11
	ExitCode          PayloadType = 12
)

// Flags of a message's place in its stream.
const (
	SYN uint64 = 1 << 0
	FIN uint64 = 1 << 1
)

// Sizes in bytes.
const (
	headerLength = 116              // what the field HeaderLength holds: the header without the length of the payload
	offset       = headerLength + 4 // of the payload
	typeLength   = 32
	digestLength = sha256.Size

	// MaxPayload is the most stream data one message carries.
	MaxPayload = 1024
	// MaxMessage is the most one message may have: what the agent lets itself write.
	MaxMessage = 142_000
)

// Message is one message. ID is a UUID in the usual order of its bytes.
type Message struct {
	Type     Type
	Schema   uint32
	Created  time.Time // to the millisecond
	Sequence int64
	Flags    uint64
	ID       ID
	Payload  []byte
	Kind     PayloadType
}

// Errors of Parse.
var (
	ErrShort  = errors.New("frame: the message is shorter than its header")
	ErrHeader = errors.New("frame: the header is not that of a message")
	ErrDigest = errors.New("frame: the payload does not match its digest")
)

// Parse reads a message. The payload is what follows the header, as the agent and the plugin have it; it shares b's
// memory. A digest is checked where there is a payload, unless the message only starts or pauses a stream.
func Parse(b []byte) (Message, error) {
	if len(b) < offset {
		return Message{}, ErrShort
	}
	at := uint64(binary.BigEndian.Uint32(b)) + 4
	if at < offset || at > uint64(len(b)) {
		return Message{}, fmt.Errorf("%w: header length %d of %d bytes", ErrHeader, at-4, len(b))
	}
	millis := binary.BigEndian.Uint64(b[40:])
	m := Message{
		Type:     Type(bytes.Trim(b[4:4+typeLength], "\x00 \t\r\n")),
		Schema:   binary.BigEndian.Uint32(b[36:]),
		Sequence: int64(binary.BigEndian.Uint64(b[48:])),
		Flags:    binary.BigEndian.Uint64(b[56:]),
		Kind:     PayloadType(binary.BigEndian.Uint32(b[112:])),
		Payload:  b[at:],
	}
	if m.Type == "" || millis == 0 || millis > 1<<53 {
		return Message{}, fmt.Errorf("%w: type %q, created %d", ErrHeader, m.Type, millis)
	}
	m.Created = time.UnixMilli(int64(millis)).UTC()
	copy(m.ID[8:], b[64:72]) // the halves are swapped
	copy(m.ID[:8], b[72:80])
	if m.Type == Start || m.Type == Pause || binary.BigEndian.Uint32(b[116:]) == 0 {
		return m, nil
	}
	if sum := sha256.Sum256(m.Payload); !bytes.Equal(sum[:], b[80:80+digestLength]) {
		return Message{}, ErrDigest
	}
	return m, nil
}

// Append writes the message behind b. A type of more than 32 bytes is cut.
func (m Message) Append(b []byte) []byte {
	start := len(b)
	b = append(b, make([]byte, offset)...)
	h := b[start:]
	binary.BigEndian.PutUint32(h, headerLength)
	copy(h[4:4+typeLength], bytes.Repeat([]byte{' '}, typeLength))
	copy(h[4:4+typeLength], m.Type)
	binary.BigEndian.PutUint32(h[36:], m.Schema)
	binary.BigEndian.PutUint64(h[40:], uint64(m.Created.UnixMilli()))
	binary.BigEndian.PutUint64(h[48:], uint64(m.Sequence))
	binary.BigEndian.PutUint64(h[56:], m.Flags)
	copy(h[64:72], m.ID[8:])
	copy(h[72:80], m.ID[:8])
	sum := sha256.Sum256(m.Payload)
	copy(h[80:], sum[:])
	binary.BigEndian.PutUint32(h[112:], uint32(m.Kind))
	binary.BigEndian.PutUint32(h[116:], uint32(len(m.Payload)))
	return append(b, m.Payload...)
}

// New is a message of the current schema.
func New(t Type, kind PayloadType, payload []byte, now time.Time, id ID) Message {
	return Message{Type: t, Schema: 1, Created: now, ID: id, Kind: kind, Payload: payload}
}
