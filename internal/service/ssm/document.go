package ssm

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// document is a document as it is used: one of AWS's, or a version of one that an account has made.
type document struct {
	name    string
	owner   string // Amazon, or an account
	kind    string // Session or Command
	version int
	json    string
	body    body
	about   string // Description
}

// body is what is read in a document.
type body struct {
	SchemaVersion string                `json:"schemaVersion"`
	Description   string                `json:"description"`
	SessionType   string                `json:"sessionType"`
	Inputs        inputs                `json:"inputs"`
	Parameters    map[string]definition `json:"parameters"`
}

// inputs are the preferences of sessions. (AWS Systems Manager User Guide, "Session document schema".)
type inputs struct {
	LogGroup     string `json:"cloudWatchLogGroupName"`
	KMSKey       string `json:"kmsKeyId"`
	RunAsEnabled bool   `json:"runAsEnabled"`
	IdleTimeout  any    `json:"idleSessionTimeout"`
	MaxDuration  any    `json:"maxSessionDuration"`
}

// usualIdle is how long nothing may be said in a session that does not say it. (AWS Systems Manager User Guide, "Specify
// an idle session timeout value".)
const usualIdle = 20 * time.Minute

func (i inputs) idle() time.Duration  { return minutes(i.IdleTimeout, usualIdle) }
func (i inputs) limit() time.Duration { return minutes(i.MaxDuration, 0) }

// definition is a parameter of a document.
type definition struct {
	Type           string `json:"type"`
	Description    string `json:"description"`
	Default        any    `json:"default"`
	AllowedPattern string `json:"allowedPattern"`
	AllowedValues  []any  `json:"allowedValues"`
}

// document is the document of a name or an ARN that the caller may use. Without a version it is the one in force.
func (s *Service) document(w *world.World, c world.Caller, name, version string) (document, error) {
	short := name
	if strings.HasPrefix(name, "arn:") {
		short = name[strings.LastIndex(name, "/")+1:]
	}
	row, ok := w.Documents.Get(world.DocumentKey(c.Account, c.Region, short))
	if !ok {
		d, ok := s.builtin[short]
		if !ok {
			return d, awserr.SSMNoDocument(name)
		}
		if version != "" && version != "1" && version[0] != '$' {
			return d, awserr.SSMRefused("InvalidDocumentVersion", "Document version %s of %s does not exist.", version, name)
		}
		return d, nil
	}
	v, err := versionOf(row, version)
	if err != nil {
		return document{}, err
	}
	text, err := toJSON(v)
	if err != nil {
		return document{}, err
	}
	d, err := parse(text)
	if err != nil {
		return d, err
	}
	d.name, d.owner, d.kind, d.version = row.Name, string(row.Account), row.Type, v.Number
	return d, nil
}

// versionOf is a version of a document: by number, $DEFAULT, $LATEST or nothing.
func versionOf(row world.Document, version string) (world.DocumentVersion, error) {
	number := row.Default
	switch version {
	case "", "$DEFAULT":
	case "$LATEST":
		number = row.Versions[len(row.Versions)-1].Number
	default:
		if _, err := fmt.Sscan(version, &number); err != nil {
			number = 0
		}
	}
	v, ok := row.Version(number)
	if !ok {
		return v, awserr.SSMRefused("InvalidDocumentVersion", "Document version %s of %s does not exist.", version, row.Name)
	}
	return v, nil
}

// parse reads a document's JSON.
func parse(content string) (document, error) {
	d := document{json: content}
	if err := json.Unmarshal([]byte(content), &d.body); err != nil {
		return d, awserr.SSMRefused("InvalidDocumentContent", "The content of the document is not valid: %v", err)
	}
	d.about = d.body.Description
	return d, nil
}

// fill checks what was given for the document's parameters and brings it into the form that agents want: texts, but
// lists for lists.
func (d document) fill(given map[string][]string) (map[string]any, error) {
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		p, ok := d.body.Parameters[name]
		if !ok {
			return nil, awserr.SSMRefused("InvalidParameters", "Parameter %q is not supported by document %s.", name, d.name)
		}
		for _, v := range given[name] {
			if !p.allows(v) {
				return nil, awserr.SSMRefused("InvalidParameters", "Parameter %q has a value that is not allowed: %q.", name, v)
			}
		}
		switch {
		case p.Type == "StringList":
			out[name] = given[name]
		case len(given[name]) == 1:
			out[name] = given[name][0]
		default:
			return nil, awserr.SSMRefused("InvalidParameters", "Parameter %q takes one value.", name)
		}
	}
	for name, p := range d.body.Parameters {
		if _, ok := out[name]; !ok && p.Default == nil {
			return nil, awserr.SSMRefused("InvalidParameters", "Parameter %q is required by document %s.", name, d.name)
		}
	}
	return out, nil
}

// allows tells whether a parameter may have a value.
func (p definition) allows(v string) bool {
	if len(p.AllowedValues) > 0 && !slices.ContainsFunc(p.AllowedValues, func(a any) bool { return fmt.Sprint(a) == v }) {
		return false
	}
	if p.AllowedPattern == "" {
		return true
	}
	r, err := regexp.Compile(`^(?:` + p.AllowedPattern + `)$`)
	return err != nil || r.MatchString(v) // what this dialect of expressions cannot say is left to the agent
}
