package frame

import "encoding/json"

// The actions an agent may ask a client for in a handshake.
const (
	ActionSessionType   = "SessionType"
	ActionKMSEncryption = "KMSEncryption"
)

// The results of an action.
const (
	ActionSuccess     = 1
	ActionFailed      = 2
	ActionUnsupported = 3
)

// Handshake is an agent's request before the stream begins.
type Handshake struct {
	AgentVersion           string
	RequestedClientActions []Action
}

// Action is one thing the client is asked to do.
type Action struct {
	ActionType       string
	ActionParameters json.RawMessage
}

// SessionTypeParameters tell the client what kind of session it is, and that kind's properties.
type SessionTypeParameters struct {
	SessionType string
	Properties  json.RawMessage
}

// HandshakeAnswer is the client's answer.
type HandshakeAnswer struct {
	ClientVersion          string
	ProcessedClientActions []ActionResult
	Errors                 []string
}

// ActionResult is what came of one action.
type ActionResult struct {
	ActionType   string
	ActionStatus int
	ActionResult json.RawMessage
	Error        string
}

// HandshakeEnd is the agent's word that the stream begins. The time is in nanoseconds.
type HandshakeEnd struct {
	HandshakeTimeToComplete int64
	CustomerMessage         string
}

// OpenChannel is the first, textual, message of whoever opens a channel.
type OpenChannel struct {
	MessageSchemaVersion string
	RequestID            string `json:"RequestId"`
	TokenValue           string
	ClientID             string `json:"ClientId,omitempty"`
	ClientInstanceID     string `json:"ClientInstanceId,omitempty"`
	ClientVersion        string `json:",omitempty"`
	AgentVersion         string `json:",omitempty"`
	PlatformType         string `json:",omitempty"`
}
