package managed

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Policy is a managed policy of AWS.
type Policy struct {
	Name     string `json:"name"`
	Path     string `json:"path"`
	Version  string `json:"version"` // the default one, and the only one kept
	Document string `json:"document"`
}

// ARN is the policy's ARN.
func (p Policy) ARN() string { return "arn:aws:iam::aws:policy" + p.Path + p.Name }

// ID is the policy's unique id: 21 characters that follow from its name.
func (p Policy) ID() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	id, sum := []byte("ANPA"), uint64(14695981039346656037) // FNV-1a
	for n := range 17 {
		for i := range len(p.Name) {
			sum = (sum ^ uint64(p.Name[i])) * 1099511628211
		}
		id = append(id, letters[(sum>>(32+n%8))%32])
	}
	return string(id)
}

//go:embed policies.json
var list []byte

// Policies are the managed policies there are.
type Policies struct{ byARN map[string]Policy }

// Load reads the policies.
func Load() Policies {
	var all []Policy
	if err := json.Unmarshal(list, &all); err != nil {
		panic(fmt.Sprintf("managed: the policies that were built in cannot be read: %v", err))
	}
	p := Policies{byARN: map[string]Policy{}}
	for _, m := range all {
		p.byARN[m.ARN()] = m
	}
	return p
}

// Get is the policy with the given ARN.
func (p Policies) Get(arn string) (Policy, bool) {
	m, ok := p.byARN[arn]
	return m, ok
}

// All are the policies in the order of their ARNs.
func (p Policies) All() []Policy {
	var out []Policy
	for _, arn := range slices.Sorted(maps.Keys(p.byARN)) {
		out = append(out, p.byARN[arn])
	}
	return out
}
