package guard

import (
	"maps"
	"slices"
)

// MessagePurpose is what encoded messages of refusals are sealed for.
const MessagePurpose = "authorization message"

// Message is what an encoded message says. (AWS Security Token Service API Reference, DecodeAuthorizationMessage.)
type Message struct {
	Allowed      bool  `json:"allowed"`
	ExplicitDeny bool  `json:"explicitDeny"`
	Matched      items `json:"matchedStatements"`
	Failures     items `json:"failures"`
	Context      scene `json:"context"`
}

type items struct {
	Items []item `json:"items"`
}

type item struct {
	Key    string `json:"key,omitempty"`
	Value  string `json:"value,omitempty"`
	Values *items `json:"values,omitempty"`
}

type scene struct {
	Principal  person `json:"principal"`
	Action     string `json:"action"`
	Resource   string `json:"resource"`
	Conditions items  `json:"conditions"`
}

type person struct {
	ID  string `json:"id"`
	ARN string `json:"arn"`
}

// maxConditions bounds how many condition keys a message tells, for the texts of errors are of bearable length.
const maxConditions = 16

// message tells a refusal.
func message(r refusal) Message {
	q := r.request
	m := Message{
		ExplicitDeny: r.Explicit, Matched: items{[]item{}}, Failures: items{[]item{}},
		Context: scene{Principal: person{q.Principal.ID, q.Principal.ARN}, Action: q.Action, Resource: q.Resource, Conditions: items{[]item{}}},
	}
	for _, k := range slices.Sorted(maps.Keys(q.Keys)) {
		if len(m.Context.Conditions.Items) == maxConditions {
			break
		}
		values := &items{}
		for _, v := range q.Keys[k] {
			values.Items = append(values.Items, item{Value: v[:min(len(v), 64)]})
		}
		m.Context.Conditions.Items = append(m.Context.Conditions.Items, item{Key: k, Values: values})
	}
	return m
}
