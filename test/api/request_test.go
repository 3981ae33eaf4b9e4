package api

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/api/elbapi"
	"kumiko/internal/api/iamapi"
	"kumiko/internal/api/latticeapi"
	"kumiko/internal/api/logsapi"
	"kumiko/internal/api/resolverapi"
	"kumiko/internal/api/ssmapi"
	"kumiko/internal/api/stsapi"
	"kumiko/internal/api/wire"
)

// operation is one operation as a client knows it.
type operation struct {
	service string
	wire.Operation
	spec  wire.Service
	input reflect.Type
}

func (o *operation) String() string { return o.service + " " + o.Name }

// object is the parameters of a call, and any structure in them.
type object = map[string]any

// operations are all operations there are, by service and name.
func operations() map[string]*operation {
	all := map[string]*operation{}
	add := func(s wire.Service, handlers reflect.Type) {
		for _, op := range s.Operations {
			m, ok := handlers.MethodByName(op.Name)
			if !ok {
				panic(op.Name)
			}
			o := &operation{service: s.Name, Operation: op, spec: s, input: m.Type.In(2).Elem()}
			all[o.String()] = o
		}
	}
	add(ec2api.Service(struct{ ec2api.Handlers }{}), reflect.TypeFor[ec2api.Handlers]())
	add(latticeapi.Service(struct{ latticeapi.Handlers }{}), reflect.TypeFor[latticeapi.Handlers]())
	add(logsapi.Service(struct{ logsapi.Handlers }{}), reflect.TypeFor[logsapi.Handlers]())
	add(resolverapi.Service(struct{ resolverapi.Handlers }{}), reflect.TypeFor[resolverapi.Handlers]())
	add(iamapi.Service(struct{ iamapi.Handlers }{}), reflect.TypeFor[iamapi.Handlers]())
	add(elbapi.Service(struct{ elbapi.Handlers }{}), reflect.TypeFor[elbapi.Handlers]())
	add(ssmapi.Service(struct{ ssmapi.Handlers }{}), reflect.TypeFor[ssmapi.Handlers]())
	add(stsapi.Service(struct{ stsapi.Handlers }{}), reflect.TypeFor[stsapi.Handlers]())
	return all
}

// member is a value in the parameters of an operation.
type member struct {
	path  []any // names, and 0 for the first item of a list
	kind  reflect.Type
	place string // uri, querystring, header, or empty
	shape string
	need  bool
}

func (m member) String() string { return strings.Trim(fmt.Sprint(m.path), "[]") }

// members are the members of an operation's input, the inner ones after the outer ones.
func (o *operation) members() []member { return membersOf(o.input, member{}, nil) }

func membersOf(t reflect.Type, outer member, within []reflect.Type) []member {
	var out []member
	for _, w := range within {
		if w == t {
			return nil
		}
	}
	within = append(within, t)
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("aws"), ",")
		m := member{path: append(append([]any{}, outer.path...), name), kind: f.Type, place: outer.place}
		for option := range strings.SplitSeq(options, ",") {
			key, value, _ := strings.Cut(option, "=")
			switch key {
			case "at":
				m.place = value
			case "shape":
				m.shape = value
			case "need":
				m.need = true
			}
		}
		for m.kind.Kind() == reflect.Pointer {
			m.kind = m.kind.Elem()
		}
		out = append(out, m)
		inner := m.kind
		if isList(inner) {
			inner = inner.Elem()
			item := m
			item.need, item.kind, item.path = false, inner, append(append([]any{}, m.path...), 0)
			out = append(out, item)
			m = item
		}
		if isStructure(inner) {
			out = append(out, membersOf(inner, m, within)...)
		}
	}
	return out
}

func isList(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8
}

func isStructure(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]()
}

// request makes the HTTP request of a call. Values that a protocol cannot say are said as closely as it can.
func (o *operation) request(c caller, in object) *http.Request {
	method, target, header := http.MethodPost, "/", http.Header{}
	var body []byte
	switch o.spec.Protocol {
	case wire.EC2Query, wire.AWSQuery:
		form := url.Values{"Action": {o.Name}, "Version": {o.spec.Version}}
		item := map[wire.Protocol]string{wire.AWSQuery: "member."}[o.spec.Protocol] // before the numbers of lists
		flatten(form, "", item, in)
		header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		body = []byte(form.Encode())
	case wire.JSON11:
		header.Set("Content-Type", "application/x-amz-json-1.1")
		header.Set("X-Amz-Target", o.spec.TargetPrefix+"."+o.Name)
		body = encode(in)
	default:
		method, target, body = o.rest(in, header)
	}
	r, err := http.NewRequest(method, "http://localhost"+target, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header = header
	sign(r, c, o.service)
	return r
}

// rest divides the parameters of a REST operation between path, query and body.
func (o *operation) rest(in object, header http.Header) (method, target string, body []byte) {
	path, query, rest := o.Path, url.Values{}, object{}
	places := map[string]string{}
	for _, m := range o.members() {
		if len(m.path) == 1 {
			places[m.path[0].(string)] = m.place
		}
	}
	for name, v := range in {
		switch places[name] {
		case "uri":
			path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(plain(v)))
		case "querystring":
			items, ok := v.([]any)
			if !ok {
				items = []any{v}
			}
			for _, item := range items {
				query.Add(name, plain(item))
			}
		case "header":
			header.Set(name, plain(v))
		default:
			rest[name] = v
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	if o.Method == http.MethodPost || o.Method == http.MethodPut || o.Method == http.MethodPatch {
		header.Set("Content-Type", "application/json")
		body = encode(rest)
	}
	return o.Method, path, body
}

// flatten writes v as parameters under a name.
func flatten(form url.Values, name, item string, v any) {
	under := func(part string) string { return strings.TrimPrefix(name+"."+part, ".") }
	switch v := v.(type) {
	case object:
		for key, inner := range v {
			flatten(form, under(key), item, inner)
		}
	case []any:
		for i, inner := range v {
			flatten(form, under(item+fmt.Sprint(i+1)), item, inner)
		}
	case nil:
	default:
		form.Set(name, plain(v))
	}
}

func plain(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return fmt.Sprint(v)
}

func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// sign claims to be the caller, whom the server takes at his word: it is open.
func sign(r *http.Request, c caller, service string) {
	now := time.Now().UTC()
	r.Header.Set("X-Amz-Date", now.Format("20060102T150405Z"))
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request, SignedHeaders=host;x-amz-date, Signature=%s",
		c.account, now.Format("20060102"), c.region, service, strings.Repeat("0", 64)))
}

// answer is what the server says.
type answer struct {
	status  int
	header  http.Header
	body    string
	code    string // of an error
	message string
	bad     error // why the answer is none in AWS's form
}

func (a answer) ok() bool { return a.status/100 == 2 }

func (a answer) String() string {
	if a.ok() {
		return fmt.Sprint(a.status, " ", cut(a.body))
	}
	return fmt.Sprint(a.status, " ", a.code, ": ", cut(a.message))
}

func cut(s string) string {
	const most = 300
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

func newAnswer(status int, header http.Header, body []byte) answer {
	a := answer{status: status, header: header, body: string(body)}
	kind := header.Get("Content-Type")
	switch {
	case status == http.StatusNoContent && len(body) == 0:
	case strings.HasPrefix(kind, "text/xml"):
		a.bad = a.readXML()
	case strings.HasPrefix(kind, "application/"):
		a.bad = a.readJSON()
	default:
		a.bad = fmt.Errorf("content type %q", kind)
	}
	switch {
	case a.bad != nil:
	case header.Get("X-Amzn-Requestid") == "":
		a.bad = errors.New("no request id")
	case status/100 != 2 && (a.code == "" || a.message == ""):
		a.bad = errors.New("an error without code or message")
	case status/100 != 2 && len(body) > 8<<10:
		a.bad = fmt.Errorf("an error of %d bytes", len(body))
	case !utf8.Valid(body):
		a.bad = errors.New("not UTF-8")
	}
	return a
}

// readXML checks the form of an answer and finds the error in it.
func (a *answer) readXML() error {
	d := xml.NewDecoder(strings.NewReader(a.body))
	var at []string
	for {
		t, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("XML: %w", err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			at = append(at, t.Name.Local)
		case xml.EndElement:
			at = at[:len(at)-1]
		case xml.CharData:
			switch {
			case len(at) == 0 || a.status/100 == 2:
			case at[len(at)-1] == "Code":
				a.code += string(t)
			case at[len(at)-1] == "Message":
				a.message += string(t)
			}
		}
	}
}

func (a *answer) readJSON() error {
	var o object
	if err := json.Unmarshal([]byte(a.body), &o); err != nil {
		return fmt.Errorf("JSON: %w", err)
	}
	if a.status/100 != 2 {
		a.code = a.header.Get("X-Amzn-Errortype")
		a.message, _ = o["message"].(string)
	}
	return nil
}
