package world

import "time"

// ManagedNode is an instance whose SSM agent has said who it is.
type ManagedNode struct {
	Instance InstanceID
	Meta
	NodeReport
	Pinged time.Time // a report; later ones like it may not have been written down
	Lost   bool      // there were none for too long
}

// NodeReport is what an agent says of itself and of the computer it is on.
type NodeReport struct {
	Agent           string // its name
	AgentVersion    string
	PlatformType    string // Linux
	PlatformName    string
	PlatformVersion string
	ComputerName    string
	IPAddress       string
	Channel         string        // by which it takes orders: ssmmessages, ec2messages or nothing yet
	Period          time.Duration // between two reports
}

// RowID is the instance's id.
func (n ManagedNode) RowID() string { return string(n.Instance) }

// Keys is the place it is in.
func (n ManagedNode) Keys() []string { return []string{placeKey(n.Account, n.Region)} }

// NodesIn are the managed nodes of an account in a region.
func (w *World) NodesIn(a AccountID, region string) []ManagedNode {
	return collect(w.ManagedNodes.In(placeKey(a, region)))
}

// EndedNodes are the managed nodes whose instances are terminated.
func (w *World) EndedNodes() []InstanceID {
	var out []InstanceID
	for i := range w.Instances.In(keyEnding) {
		if w.ManagedNodes.Has(i.ID) {
			out = append(out, i.ID)
		}
	}
	return out
}

// NodeSession is a session of Session Manager with a managed node.
type NodeSession struct {
	ID string // the owner's name, a hyphen and 17 hexadecimal digits
	Meta
	Target     InstanceID
	Document   string // its name
	Content    string // the document, JSON
	Parameters map[string]any
	RunAs      string // whom the node runs it as, if the owner's tags say so
	Owner      string // ARN of who began it
	Reason     string
	Status     SessionStatus
	Idle       time.Duration // how long nothing may be said; 0: for ever
	Limit      time.Duration // how long it may last; 0: for ever
	Ended      time.Time
	Details    string // why it ended
	LogGroup   string // where its output goes
}

// SessionStatus is how a session is.
type SessionStatus string

// The states of sessions.
const (
	SessionConnecting   SessionStatus = "Connecting"
	SessionConnected    SessionStatus = "Connected"
	SessionDisconnected SessionStatus = "Disconnected"
	SessionTerminated   SessionStatus = "Terminated"
	SessionFailed       SessionStatus = "Failed"
)

// Over tells whether the session has ended.
func (s NodeSession) Over() bool { return !s.Ended.IsZero() }

// RowID is the session's id.
func (s NodeSession) RowID() string { return s.ID }

// Keys are its place among those that are, or are not, over, and while it is not, its target.
func (s NodeSession) Keys() []string {
	if s.Over() {
		return []string{keyPast + placeKey(s.Account, s.Region)}
	}
	return []string{placeKey(s.Account, s.Region), string(s.Target)}
}

// SessionsIn are the sessions of an account in a region: those that go on, or those that are over.
func (w *World) SessionsIn(a AccountID, region string, over bool) []NodeSession {
	if over {
		return collect(w.NodeSessions.In(keyPast + placeKey(a, region)))
	}
	return collect(w.NodeSessions.In(placeKey(a, region)))
}

// SessionsWith are the sessions that go on with an instance.
func (w *World) SessionsWith(i InstanceID) []NodeSession {
	return collect(w.NodeSessions.In(string(i)))
}
