package world

import "time"

// Document is a document of Systems Manager that an account has made.
type Document struct {
	Meta
	Name       string
	Type       string // Session, Command
	Target     string // TargetType, e.g. /AWS::EC2::Instance
	Title      string // DisplayName
	Default    int    // number of the version in force
	Versions   []DocumentVersion
	LastNumber int // of a version ever made
}

// DocumentVersion is one version of a document.
type DocumentVersion struct {
	Number  int
	Name    string // VersionName
	Format  string // JSON or YAML
	Content string
	Created time.Time
}

// DocumentKey is the row id of an account's document.
func DocumentKey(a AccountID, region, name string) string {
	return string(a) + "/" + region + "/" + name
}

// RowID is the account, the region and the name.
func (d Document) RowID() string { return DocumentKey(d.Account, d.Region, d.Name) }

// Version is the version with a number.
func (d Document) Version(number int) (DocumentVersion, bool) {
	for _, v := range d.Versions {
		if v.Number == number {
			return v, true
		}
	}
	return DocumentVersion{}, false
}

// Parameter is a parameter of Parameter Store.
type Parameter struct {
	Meta
	Name     string
	Type     string // String, StringList or SecureString
	DataType string // text or aws:ec2:image
	Tier     string
	KeyID    string             // of SecureString
	Versions []ParameterVersion // oldest first
}

// ParameterVersion is one version of a parameter.
type ParameterVersion struct {
	Number      int
	Value       string // sealed, of SecureString
	Description string
	Pattern     string // AllowedPattern
	User        string // ARN of who wrote it
	Modified    time.Time
	Labels      []string
}

// ParameterKey is the row id of a parameter.
func ParameterKey(a AccountID, region, name string) string {
	return string(a) + "/" + region + "/" + name
}

// RowID is the account, the region and the name.
func (p Parameter) RowID() string { return ParameterKey(p.Account, p.Region, p.Name) }

// Latest is the version in force.
func (p Parameter) Latest() ParameterVersion { return p.Versions[len(p.Versions)-1] }

// Command is a command sent to instances.
type Command struct {
	ID string // a UUID
	Meta
	Document    string
	Version     string // of the document, as asked for
	Content     string // the document, JSON
	Parameters  map[string][]string
	Comment     string
	Owner       string // ARN of who sent it
	Timeout     time.Duration
	Targets     []CommandTarget
	Invocations []Invocation // by instance
}

// CommandTarget is what the instances of a command were chosen by.
type CommandTarget struct {
	Key    string
	Values []string
}

// Invocation is what came of a command at one instance.
type Invocation struct {
	Instance InstanceID
	Name     string // of the computer
	Status   string // Pending, InProgress, Success, Failed, TimedOut, Cancelled
	Detail   string // StatusDetails
	Plugin   string // the step that ran
	Code     int    // exit status
	Output   string
	Error    string
	Begun    time.Time
	Ended    time.Time
}

// Over tells whether the invocation has ended.
func (i Invocation) Over() bool { return i.Status != "Pending" && i.Status != "InProgress" }

// RowID is the command's id.
func (c Command) RowID() string { return c.ID }

// Keys are its place, and the instances at which it goes on.
func (c Command) Keys() []string {
	keys := []string{placeKey(c.Account, c.Region)}
	for _, i := range c.Invocations {
		if !i.Over() {
			keys = append(keys, string(i.Instance))
		}
	}
	return keys
}

// CommandsIn are the commands of an account in a region.
func (w *World) CommandsIn(a AccountID, region string) []Command {
	return collect(w.Commands.In(placeKey(a, region)))
}

// CommandsFor are the commands that go on at an instance.
func (w *World) CommandsFor(i InstanceID) []Command { return collect(w.Commands.In(string(i))) }
