package agent

import (
	"encoding/json"
	"fmt"
	"strings"

	"kumiko/internal/session/ssm/frame"
)

// The kinds of sessions.
const (
	standardStream         = "Standard_Stream"
	interactiveCommands    = "InteractiveCommands"
	nonInteractiveCommands = "NonInteractiveCommands"
	portSession            = "Port"
)

// document is what a session's document says.
type document struct {
	SessionType string                     `json:"sessionType"`
	Inputs      inputs                     `json:"inputs"`
	Parameters  map[string]parameter       `json:"parameters"`
	Properties  map[string]json.RawMessage `json:"properties"`
}

// inputs are the preferences of shells.
type inputs struct {
	KMSKeyID         string `json:"kmsKeyId"`
	LogGroup         string `json:"cloudWatchLogGroupName"`
	RunAsEnabled     bool   `json:"runAsEnabled"`
	RunAsDefaultUser string `json:"runAsDefaultUser"`
	ShellProfile     struct {
		Linux string `json:"linux"`
	} `json:"shellProfile"`
}

type parameter struct {
	Default any `json:"default"`
}

// command is what a commands document runs.
type command struct {
	Commands      string `json:"commands"`
	RunAsElevated any    `json:"runAsElevated"`
}

// fill reads the document of a task, with the values of its parameters in place.
func fill(t frame.SessionTask) (document, error) {
	var d document
	if err := json.Unmarshal(t.DocumentContent, &d); err != nil {
		return d, fmt.Errorf("agent: document: %w", err)
	}
	values := map[string]string{}
	for name, p := range d.Parameters {
		if p.Default != nil {
			values[name] = text(p.Default)
		}
	}
	for name, v := range t.Parameters {
		values[name] = text(v)
	}
	for name, raw := range d.Properties {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return d, fmt.Errorf("agent: document: %w", err)
		}
		d.Properties[name] = frame.Encode(replace(v, values))
	}
	return d, nil
}

// text is the value of a parameter as a document's text has it.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, p := range v {
			parts[i] = text(p)
		}
		return strings.Join(parts, " ")
	}
	return string(frame.Encode(v))
}

// replace puts values where {{ name }} stands.
func replace(v any, values map[string]string) any {
	switch v := v.(type) {
	case string:
		for name, value := range values {
			v = strings.NewReplacer("{{"+name+"}}", value, "{{ "+name+" }}", value).Replace(v)
		}
		return v
	case map[string]any:
		for k := range v {
			v[k] = replace(v[k], values)
		}
	case []any:
		for i := range v {
			v[i] = replace(v[i], values)
		}
	}
	return v
}

// property reads one property.
func (d document) property(name string) string {
	var s string
	_ = json.Unmarshal(d.Properties[name], &s) // what is no text is empty
	return s
}

// command reads the commands for this system.
func (d document) command() (command, error) {
	var c command
	if err := json.Unmarshal(d.Properties["linux"], &c); err != nil || c.Commands == "" {
		return c, fmt.Errorf("the document has no command for Linux")
	}
	return c, nil
}
