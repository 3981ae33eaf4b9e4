package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

// descriptor is the Go text of the Handlers interface and the service's descriptor.
func (g *generator) descriptor() string {
	var b bytes.Buffer
	m := g.model.Metadata
	b.WriteString("import (\n\t\"context\"\n\n\t\"kumiko/internal/api/wire\"\n\t\"kumiko/internal/world\"\n)\n\n")
	fmt.Fprintf(&b, "// Handlers does the operations of %s. Errors that are no *awserr.Error are answered as internal errors.\ntype Handlers interface {\n", m.FullName)
	for _, op := range g.ops {
		fmt.Fprintf(&b, "\t%s(ctx context.Context, c world.Caller, in *%sInput) (*%sOutput, error)\n", op, op, op)
	}
	fmt.Fprintf(&b, "}\n\n// Service describes %s, served by h, to the front door.\nfunc Service(h Handlers) wire.Service {\n\treturn wire.Service{\n", m.FullName)
	fmt.Fprintf(&b, "\t\tName: %q,\n\t\tProtocol: wire.%s,\n\t\tVersion: %q,\n", g.Name, g.protocol(), m.APIVersion)
	for _, f := range [][2]string{{"TargetPrefix", m.TargetPrefix}, {"Namespace", m.XMLNamespace}} {
		if f[1] != "" {
			fmt.Fprintf(&b, "\t\t%s: %q,\n", f[0], f[1])
		}
	}
	b.WriteString("\t\tConstraints: constraints(),\n\t\tKnown: known(),\n\t\tOperations: []wire.Operation{\n")
	for _, name := range g.ops {
		op := g.model.Operations[name]
		fmt.Fprintf(&b, "\t\t\twire.Op(%q, h.%s)", name, name)
		if m.Protocol == "rest-json" || m.Protocol == "rest-xml" {
			fmt.Fprintf(&b, ".At(%q, %q, %d)", op.HTTP.Method, op.HTTP.URI, max(op.HTTP.Status, 200))
		}
		b.WriteString(",\n")
	}
	b.WriteString("\t\t},\n\t}\n}\n\n// known names every operation of the service, built or not.\nfunc known() []wire.Known {\n\treturn []wire.Known{\n")
	for _, k := range g.model.All {
		fmt.Fprintf(&b, "\t\t{Name: %q, Method: %q, Path: %q},\n", k.Name, k.Method, k.URI)
	}
	b.WriteString("\t}\n}\n")
	return b.String()
}

// protocol is the name of the wire constant of the service's protocol.
func (g *generator) protocol() string {
	m := g.model.Metadata
	if m.Protocol == "json" {
		return map[string]string{"1.0": "JSON10", "1.1": "JSON11"}[m.JSONVersion]
	}
	return map[string]string{"ec2": "EC2Query", "query": "AWSQuery", "rest-json": "RestJSON", "rest-xml": "RestXML"}[m.Protocol]
}

// constrained tells whether values of the shape, or of its items, have limits.
func (g *generator) constrained(name string) bool {
	s, ok := g.model.Shapes[name]
	if !ok || s.Type == "structure" || g.model.Metadata.Protocol == "ec2" {
		return false // ec2 checks presence and type alone
	}
	if s.Min != nil || s.Max != nil || s.Pattern != "" || len(s.Enum) > 0 {
		return true
	}
	for _, r := range []*ref{s.Member, s.Key, s.Value} {
		if r != nil && g.constrained(r.Shape) {
			return true
		}
	}
	return false
}

// constraints is the Go text of the table of limits.
func (g *generator) constraints() string {
	var b bytes.Buffer
	b.WriteString("import \"kumiko/internal/api/wire\"\n\n// constraints are the limits of the shapes members refer to.\nfunc constraints() map[string]wire.Constraint {\n\treturn map[string]wire.Constraint{\n")
	for _, name := range slices.Sorted(maps.Keys(g.model.Shapes)) {
		if !g.constrained(name) {
			continue
		}
		s := g.model.Shapes[name]
		fmt.Fprintf(&b, "\t\t%q: {", name)
		if s.Min != nil {
			fmt.Fprintf(&b, "Min: new(int64(%s)), ", *s.Min)
		}
		if s.Max != nil {
			fmt.Fprintf(&b, "Max: new(int64(%s)), ", *s.Max)
		}
		if s.Pattern != "" {
			fmt.Fprintf(&b, "Pattern: %q, ", s.Pattern)
		}
		if len(s.Enum) > 0 {
			fmt.Fprintf(&b, "Enum: %#v, ", s.Enum)
		}
		for _, r := range []struct {
			name string
			ref  *ref
		}{{"Item", s.Member}, {"Key", s.Key}, {"Value", s.Value}} {
			if r.ref != nil && g.constrained(r.ref.Shape) {
				fmt.Fprintf(&b, "%s: %q, ", r.name, r.ref.Shape)
			}
		}
		b.WriteString("},\n")
	}
	b.WriteString("\t}\n}\n")
	return b.String()
}
