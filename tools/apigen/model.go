package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// model is a service model in the form botocore distributes, as far as apigen reads it.
type model struct {
	Metadata   metadata             `json:"metadata"`
	Operations map[string]operation `json:"operations"`
	Shapes     map[string]shape     `json:"shapes"`
	All        []known              `json:"allOperations,omitempty"` // added by import
}

type metadata struct {
	APIVersion   string `json:"apiVersion"`
	Protocol     string `json:"protocol"`
	JSONVersion  string `json:"jsonVersion,omitempty"`
	FullName     string `json:"serviceFullName"`
	ServiceID    string `json:"serviceId"`
	TargetPrefix string `json:"targetPrefix,omitempty"`
	XMLNamespace string `json:"xmlNamespace,omitempty"`
}

type operation struct {
	HTTP   binding `json:"http"`
	Input  *ref    `json:"input,omitempty"`
	Output *ref    `json:"output,omitempty"`
}

type binding struct {
	Method string `json:"method"`
	URI    string `json:"requestUri"`
	Status int    `json:"responseCode,omitempty"`
}

// known names an operation of the service, built or not.
type known struct {
	Name   string `json:"name"`
	Method string `json:"method"`
	URI    string `json:"uri"`
}

type shape struct {
	Type            string       `json:"type"`
	Members         members      `json:"members,omitempty"`
	Required        []string     `json:"required,omitempty"`
	Payload         string       `json:"payload,omitempty"`
	Member          *ref         `json:"member,omitempty"`
	Key             *ref         `json:"key,omitempty"`
	Value           *ref         `json:"value,omitempty"`
	Enum            []string     `json:"enum,omitempty"`
	Min             *json.Number `json:"min,omitempty"`
	Max             *json.Number `json:"max,omitempty"`
	Pattern         string       `json:"pattern,omitempty"`
	Flattened       bool         `json:"flattened,omitempty"`
	Union           bool         `json:"union,omitempty"`
	TimestampFormat string       `json:"timestampFormat,omitempty"`
}

type ref struct {
	Shape           string `json:"shape"`
	LocationName    string `json:"locationName,omitempty"`
	QueryName       string `json:"queryName,omitempty"`
	Location        string `json:"location,omitempty"`
	ResultWrapper   string `json:"resultWrapper,omitempty"`
	XMLNamespace    *space `json:"xmlNamespace,omitempty"`
	Flattened       bool   `json:"flattened,omitempty"`
	TimestampFormat string `json:"timestampFormat,omitempty"`
}

// space is the XML namespace of a request's root element.
type space struct {
	URI string `json:"uri"`
}

// members are the members of a structure in the order of the model.
type members []member

type member struct {
	Name string
	ref
}

// UnmarshalJSON keeps the order in which the members stand.
func (ms *members) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		m := member{Name: name.(string)}
		if err := d.Decode(&m.ref); err != nil {
			return err
		}
		*ms = append(*ms, m)
	}
	return nil
}

// MarshalJSON writes an object whose members keep their order.
func (ms members) MarshalJSON() ([]byte, error) {
	parts := make([]string, len(ms))
	for i, m := range ms {
		data, err := json.Marshal(m.ref)
		if err != nil {
			return nil, err
		}
		parts[i] = fmt.Sprintf("%q:%s", m.Name, data)
	}
	return []byte("{" + strings.Join(parts, ",") + "}"), nil
}

// readModel reads a trimmed model.
func readModel(path string) (*model, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var m model
	return &m, json.Unmarshal(data, &m)
}

// level says how much of an operation is real.
type level string

const (
	enforced level = "enforced" // packets prove it
	state    level = "state"    // kept and described, without a meaning to packets
)

// readOps reads a list of operations: a name and a level a line, # begins a comment.
func readOps(path string) (map[string]level, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	ops := map[string]level{}
	for i, line := range strings.Split(string(data), "\n") {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if len(f) != 2 || !slices.Contains([]level{enforced, state}, level(f[1])) {
			return nil, fmt.Errorf("%s:%d: want: NAME enforced|state", path, i+1)
		}
		if _, ok := ops[f[0]]; ok {
			return nil, fmt.Errorf("%s:%d: %s is listed twice", path, i+1, f[0])
		}
		ops[f[0]] = level(f[1])
	}
	return ops, nil
}
