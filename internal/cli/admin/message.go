package admin

import "time"

// Status says how the daemon is.
type Status struct {
	Version  string            `json:"version"`
	PID      int               `json:"pid"`
	Started  time.Time         `json:"started"`
	State    string            `json:"state"`             // the state folder
	URL      string            `json:"url"`               // where the AWS APIs answer
	Revision uint64            `json:"revision"`          // of what was asked for
	Applied  uint64            `json:"applied"`           // what was asked for up to here is in the kernel, but for Failing
	Failing  map[string]string `json:"failing,omitempty"` // scope id → error of its last attempt
	Nouns    map[string]int    `json:"nouns,omitempty"`   // how many there are of each noun
}

// Account is an AWS account with its access key.
type Account struct {
	ID              string    `json:"id"` // 12 digits
	Name            string    `json:"name"`
	Created         time.Time `json:"created"`
	AccessKeyID     string    `json:"accessKeyId,omitempty"`
	SecretAccessKey string    `json:"secretAccessKey,omitempty"`
}

// NewAccount asks for an account.
type NewAccount struct {
	Name string `json:"name"`
}

// Question asks whether a conversation could be had.
type Question struct {
	From     string `json:"from"`               // an instance id, an ENI id or an address
	To       string `json:"to"`                 // the same, or a DNS name
	Port     int    `json:"port,omitempty"`     // of tcp and udp; 0 for icmp
	Path     string `json:"path,omitempty"`     // of a request over HTTP to a service of VPC Lattice
	Protocol string `json:"protocol,omitempty"` // tcp (when empty), udp, icmp or a number
	Live     bool   `json:"live,omitempty"`     // send a packet too
}

// Explanation answers a Question: yes or no, and by which rules.
type Explanation struct {
	Open    bool   `json:"open"`
	Summary string `json:"summary"`           // the answer in a sentence
	Flow    string `json:"flow,omitempty"`    // the first packet, e.g. tcp 10.0.0.5:40000 → 10.0.1.9:443
	Refusal string `json:"refusal,omitempty"` // when closed: station and noun, e.g. sg-in:vpc-1/eni-2
	Hint    string `json:"hint,omitempty"`    // when closed: what would open it
	Name    *Name  `json:"name,omitempty"`    // how the name was resolved, when one was asked for
	Steps   []Step `json:"steps"`             // the way, in order, up to the refusal
	Live    *Probe `json:"live,omitempty"`    // what came of a packet, when one was asked for
}

// Name is how the resolver of a VPC answers for a name.
type Name struct {
	Name    string   `json:"name"`
	VPC     string   `json:"vpc"`               // whose resolver
	Address string   `json:"address,omitempty"` // absent: it has none, or none that is known
	Aliases []string `json:"aliases,omitempty"` // that were followed
	Kind    string   `json:"kind,omitempty"`    // of the zone that decided, e.g. private hosted zone
	Zone    string   `json:"zone,omitempty"`    // its domain
	ID      string   `json:"id,omitempty"`      // of the hosted zone or endpoint it comes from
	Rule    string   `json:"rule,omitempty"`    // the Resolver rule that decided
	Target  string   `json:"target,omitempty"`  // where the rule has it ask
	Next    *Name    `json:"next,omitempty"`    // what is said there
	Text    string   `json:"text"`              // for people
}

// Probe is what came of a packet that was sent.
type Probe struct {
	Result  string `json:"result"`            // connected, answered, refused by the receiver, refused on the way, silence
	Refusal string `json:"refusal,omitempty"` // when it was refused on the way: station and noun, as the kernel logged it
	Open    *bool  `json:"open,omitempty"`    // whether the packet arrived; absent when it cannot be told
	Agrees  *bool  `json:"agrees,omitempty"`  // with the answer; absent when it cannot be told
	Text    string `json:"text"`              // for people
}

// Trial is a copy of what was asked for, to change at will.
type Trial struct {
	ID  string `json:"id"`
	URL string `json:"url,omitempty"` // where the AWS APIs of the copy answer
}

// Impact is what would come of a change.
type Impact struct {
	Closes   []Shift `json:"closes"`   // conversations that could be had and no longer can
	Opens    []Shift `json:"opens"`    // conversations that could not be had and now can
	Changed  bool    `json:"changed"`  // whether anything asked for differs at all
	Compared int     `json:"compared"` // conversations that were looked at
	Cut      bool    `json:"cut"`      // there were more than are looked at
}

// Shift is a service of one side that others lose or gain.
type Shift struct {
	From    []Party `json:"from"`
	To      Party   `json:"to"`
	Service string  `json:"service"`           // e.g. tcp/443, udp/1000-2000, icmp
	Cause   string  `json:"cause"`             // what refuses it, now or before
	Refusal string  `json:"refusal,omitempty"` // the same as station and noun
	By      string  `json:"by,omitempty"`      // of one that opens: what allows it
}

// Party is one side of a conversation.
type Party struct {
	ID      string `json:"id"` // of an instance or a resource configuration, or internet
	Name    string `json:"name,omitempty"`
	ENI     string `json:"eni,omitempty"`
	Address string `json:"address,omitempty"`
}

// Step is one place on the way of a packet.
type Step struct {
	Station string `json:"station"`      // e.g. sg-out, route, listener
	At      string `json:"at,omitempty"` // the noun it belongs to, e.g. eni-0123
	By      string `json:"by,omitempty"` // the rule or route that decided, e.g. sgr-0123 of sg-0123
	OK      bool   `json:"ok"`           // whether the packet went on
	Text    string `json:"text"`         // for people
}

// Fault is the body of an answer that is an error.
type Fault struct {
	Error string `json:"error"`
}
