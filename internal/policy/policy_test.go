package policy

import (
	"os"
	"strings"
	"testing"
)

// rows are the lines of a table in testdata, split at their bars.
func rows(t *testing.T, name, separator string) (out [][]string) {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(raw)) {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
			cells := strings.Split(l, separator)
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			out = append(out, cells)
		}
	}
	return out
}

// quoted is a JSON list of texts that are separated by commas.
func quoted(list string) string { return `["` + strings.ReplaceAll(list, ",", `","`) + `"]` }

func TestConditions(t *testing.T) {
	for _, c := range rows(t, "conditions.txt", " |") {
		values, have := c[1], c[2]
		if strings.Contains(values, "${") {
			values = strings.ReplaceAll(values, ", '", "\x00")
		}
		block := `{"` + c[0] + `":{"x:Key":` + strings.ReplaceAll(quoted(values), "\x00", ", '") + `}}`
		d, err := Parse(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":`+block+`}}`, Identity)
		if err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		r := ann()
		if have != "-" {
			r.Keys["x:key"] = strings.Split(have, ",")
		}
		if got := d.Statements[0].applies(r); got != (c[3] == "true") {
			t.Errorf("%v: %v", c, got)
		}
	}
}

func TestStatements(t *testing.T) {
	for _, c := range rows(t, "statements.txt", " | ") {
		d, err := Parse(`{"Version":"2012-10-17","Statement":{"Effect":"Allow",`+c[0][1:]+`}`, Identity)
		if err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		r := ann()
		r.Action, r.Resource = c[1], c[2]
		if got := d.Statements[0].applies(r); got != (c[3] == "true") {
			t.Errorf("%v: %v", c, got)
		}
	}
}

// ann's request has what the tables refer to.
func ann() *Request {
	return &Request{
		Principal: Principal{Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/a/ann", ID: "AIDAEXAMPLEANN"},
		Action:    "ec2:DeleteVpc", Resource: "*",
		Keys: map[string][]string{
			"aws:username": {"ann"}, "aws:principaltag/team": {"r*d"}, "aws:principalaccount": {"111122223333"}, "aws:requestedregion": {"us-east-1"},
			"aws:sourceip": {"203.0.113.9"}, "aws:securetransport": {"true"},
		},
	}
}

// Variables are of the newer version of the language.
func TestOldVersionHasNoVariables(t *testing.T) {
	for version, want := range map[string]bool{Version2008: false, Version2012: true} {
		d, err := Parse(`{"Version":"`+version+`","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:username}"}}`, Identity)
		if err != nil {
			t.Fatal(err)
		}
		r := ann()
		r.Resource = "arn:aws:s3:::b/ann"
		if got := d.Statements[0].applies(r); got != want {
			t.Errorf("%s: %v", version, got)
		}
	}
}

func TestDocuments(t *testing.T) {
	kinds := map[string]Kind{"identity": Identity, "resource": Resource, "trust": Trust, "endpoint": Endpoint}
	for _, c := range rows(t, "documents.txt", "| ") {
		got := "ok"
		if _, err := Parse(c[1], kinds[c[0]]); err != nil {
			got = err.(*Error).Text
		}
		if got != c[2] {
			t.Errorf("%s: %s: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

// caller is one of the principals of decisions.txt.
func caller(name string) Principal {
	const account = "111122223333"
	switch name {
	case "role":
		return Principal{Account: account, ARN: "arn:aws:sts::111122223333:assumed-role/app/i-1", Role: "arn:aws:iam::111122223333:role/x/app", ID: "AROAEXAMPLEAPP0000:i-1"}
	case "root":
		return Principal{Account: account, ARN: "arn:aws:iam::111122223333:root", ID: account}
	case "service":
		return Principal{Service: "ec2.amazonaws.com"}
	}
	return Principal{Account: account, ARN: "arn:aws:iam::111122223333:user/a/ann", ID: "AIDAEXAMPLEANN"}
}

// said is a document that says what a word of decisions.txt says.
func said(t *testing.T, word string) *Document {
	t.Helper()
	say, whom, _ := strings.Cut(word, ":")
	principal := map[string]string{
		"user": `{"AWS":"arn:aws:iam::111122223333:user/a/ann"}`, "role": `{"AWS":"arn:aws:iam::111122223333:role/x/app"}`,
		"session": `{"AWS":"arn:aws:sts::111122223333:assumed-role/app/i-1"}`, "account": `{"AWS":"111122223333"}`,
		"root": `{"AWS":"arn:aws:iam::111122223333:root"}`, "everyone": `"*"`, "service": `{"Service":"ec2.amazonaws.com"}`,
		"stranger": `{"AWS":["444455556666","arn:aws:iam::111122223333:user/eve"]}`, "": `"*"`,
	}[whom]
	effect, action, element := "Allow", "ec2:DeleteVpc", "Principal"
	switch say {
	case "deny":
		effect = "Deny"
	case "deny-all-but":
		effect, element = "Deny", "NotPrincipal"
	case "other":
		action = "s3:GetObject"
	}
	d, err := Parse(`{"Version":"2012-10-17","Statement":{"Effect":"`+effect+`","Action":"`+action+`","Resource":"*","`+element+`":`+principal+`}}`, Resource)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDecisions(t *testing.T) {
	layers := map[string]Layer{"identity": IdentityLayer, "boundary": BoundaryLayer, "session": SessionLayer, "scp": OrganizationLayer, "endpoint": EndpointLayer, "resource": ResourceLayer}
	for _, c := range rows(t, "decisions.txt", "=>") {
		who, facts, _ := strings.Cut(c[0], ":")
		r := &Request{Principal: caller(who), Action: "ec2:DeleteVpc", Resource: "arn:aws:ec2:us-east-1:111122223333:vpc/vpc-1", Owner: "111122223333", Keys: map[string][]string{}}
		var p Policies
		for _, fact := range strings.Fields(facts) {
			name, words, _ := strings.Cut(fact, "=")
			for _, w := range strings.Split(words, ",") {
				switch name {
				case "foreign":
					r.Owner = "444455556666"
				case "explicit":
					p.Explicit = true
				case "identity":
					p.Identity = append(p.Identity, said(t, w))
				case "session":
					p.Session = append(p.Session, said(t, w))
				case "scp":
					p.Organization = append(p.Organization, said(t, w))
				case "boundary":
					p.Boundary = said(t, w)
				case "endpoint":
					p.Endpoint = said(t, w)
				case "resource":
					p.Resource = said(t, w)
				}
			}
		}
		d := Decide(r, p)
		want := Decision{Allowed: c[1] == "allow", Explicit: strings.HasPrefix(c[1], "deny "), Layer: layers[strings.TrimPrefix(c[1], "deny ")]}
		if want.Allowed {
			want.Layer = d.Layer
		}
		if d != want {
			t.Errorf("%v: %+v", c, d)
		}
	}
}

func TestBecause(t *testing.T) {
	for want, d := range map[string]Decision{
		"because no identity-based policy allows the ec2:RunInstances action": {Layer: IdentityLayer},
		"with an explicit deny in an identity-based policy":                   {Layer: IdentityLayer, Explicit: true},
		"because no VPC endpoint policy allows the ec2:RunInstances action":   {Layer: EndpointLayer},
		"with an explicit deny in a VPC endpoint policy":                      {Layer: EndpointLayer, Explicit: true},
		"because no permissions boundary allows the ec2:RunInstances action":  {Layer: BoundaryLayer},
	} {
		if got := d.Because("ec2:RunInstances"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{AllowAll, `{"Statement":{"Effect":"Allow","Action":["a:b"],"Resource":"arn:aws:s3:::${aws:username}","Condition":{"ForAllValues:StringLike":{"a:b":["${x, 'y'}",1,true]}}}}`} {
		for k := Identity; k <= Endpoint; k++ {
			f.Add(s, int(k))
		}
	}
	f.Fuzz(func(t *testing.T, text string, kind int) {
		d, err := Parse(text, Kind(kind))
		if err != nil {
			return
		}
		if len(d.Statements) == 0 {
			t.Error("a document without statements is accepted")
		}
		r := ann()
		Decide(r, Policies{Identity: []*Document{d}, Endpoint: d, Resource: d})
	})
}
