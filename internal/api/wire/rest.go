package wire

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"unicode/utf8"

	"kumiko/internal/awserr"
)

// rest speaks restJson1: the operation and its labels in the path, JSON in, JSON out. (Smithy 2.0 specification, "AWS REST JSON 1
// protocol".)
type rest struct {
	*base
	routes []route
}

// route is the path of an operation, built or not.
type route struct {
	name, method string
	segments     []string // {label} stands for one segment of a path, a final {label+} for one or more
}

func newRest(b *base) (*rest, error) {
	r := &rest{base: b}
	for _, k := range b.service.Known {
		path, _, _ := strings.Cut(k.Path, "?")
		segments := strings.Split(strings.Trim(path, "/"), "/")
		for i, s := range segments {
			if strings.HasSuffix(s, "+}") && i < len(segments)-1 {
				return nil, fmt.Errorf("wire: %s: label in the middle of %s takes more than one segment", k.Name, k.Path)
			}
		}
		r.routes = append(r.routes, route{k.Name, k.Method, segments})
	}
	return r, nil
}

// match returns the labels of a path, still encoded, if the route is the path's.
func (t route) match(path []string) (map[string]string, bool) {
	labels := map[string]string{}
	for i, s := range t.segments {
		if i >= len(path) {
			return nil, false
		}
		switch {
		case strings.HasSuffix(s, "+}"):
			labels[s[1:len(s)-2]] = strings.Join(path[i:], "/")
			return labels, path[i] != ""
		case strings.HasPrefix(s, "{"):
			if path[i] == "" {
				return nil, false
			}
			labels[s[1:len(s)-1]] = path[i]
		case s != path[i]:
			return nil, false
		}
	}
	return labels, len(path) == len(t.segments)
}

// find is the route of a request.
func (r *rest) find(q *Request) (route, map[string]string, bool) {
	sent := strings.TrimPrefix(q.Path, "/")
	if r.service.Protocol == RestXML { // clients differ in whether they send the slash some templates end with
		sent = strings.TrimSuffix(sent, "/")
	}
	path := strings.Split(sent, "/")
	for _, t := range r.routes {
		if t.method != q.Method {
			continue
		}
		if labels, ok := t.match(path); ok {
			return t, labels, true
		}
	}
	return route{}, nil, false
}

// Route finds the operation by method and path.
func (r *rest) Route(q *Request) (*Operation, *awserr.Error) {
	t, _, ok := r.find(q)
	if !ok {
		return nil, r.fault(UnknownOperation, q.Method+" "+q.Path)
	}
	return r.operation(t.name)
}

// Decode reads the path, the query, the headers and the body.
func (r *rest) Decode(q *Request, op *Operation) (any, *awserr.Error) {
	in := reflect.New(op.input)
	inBody, e := r.outside(q, op, in)
	if e != nil {
		return nil, e
	}
	if inBody {
		object, b := parseJSON(q.Body)
		if b == nil {
			b = jsonReader{r.plans}.structure(in.Elem(), object)
		}
		if b != nil {
			return nil, r.fault(Unreadable, b.Error())
		}
	}
	if e := r.validate(in.Elem()); e != nil {
		return nil, e
	}
	return in.Interface(), nil
}

// outside reads what is not in the body: the path, the query and the headers. It tells whether members are in the body.
func (r *rest) outside(q *Request, op *Operation, in reflect.Value) (inBody bool, e *awserr.Error) {
	_, labels, _ := r.find(q)
	query, err := url.ParseQuery(q.Query)
	if err != nil {
		return false, r.fault(Unreadable, "The query string is malformed.")
	}
	for _, m := range r.plans[op.input].members {
		var values []string
		switch m.place {
		case "":
			inBody = true
		case "uri":
			label, err := url.PathUnescape(labels[m.in])
			if err != nil {
				return false, r.fault(Unreadable, "The path is malformed.")
			}
			values = []string{label}
		case "querystring":
			values = query[m.in]
		case "header":
			values = q.Header.Values(m.in)
		}
		if b := setAll(in.Elem().Field(m.index), values, m); b != nil {
			return false, r.fault(Unreadable, within(m.in, b).Error())
		}
	}
	return inBody, nil
}

// setAll stores the values a member has outside of the body.
func setAll(v reflect.Value, values []string, m *memberPlan) *badInput {
	if len(values) == 0 {
		return nil
	}
	for _, text := range values {
		if !utf8.ValidString(text) {
			return unreadable("", "The value is not UTF-8.")
		}
	}
	format := cmp.Or(m.time, map[string]string{"header": rfc822}[m.place], iso8601)
	if m.isList {
		v.Set(reflect.MakeSlice(v.Type(), len(values), len(values)))
		for i, text := range values {
			if b := setText(v.Index(i), text, format); b != nil {
				return b
			}
		}
		return nil
	}
	if len(values) > 1 {
		return unreadable(values[1], "The parameter is given twice.")
	}
	return setText(settable(v), values[0], format)
}

// Encode writes an object, or nothing when the operation's status is 204.
func (r *rest) Encode(op *Operation, out any, requestID string) Response {
	status := cmp.Or(op.Status, http.StatusOK)
	if status == http.StatusNoContent {
		return Response{Status: status}
	}
	w := &jsonWriter{plans: r.plans}
	w.structure(reflect.ValueOf(out).Elem())
	return Response{Status: status, ContentType: "application/json", Body: w.Bytes()}
}

// EncodeError writes the code as a header.
func (r *rest) EncodeError(e *awserr.Error, requestID string) Response {
	members := map[string]any{"message": e.Message}
	maps.Copy(members, e.Fields)
	return Response{
		Status: e.Status, ContentType: "application/json", Header: http.Header{"X-Amzn-Errortype": {e.Code}}, Body: errorObject(members),
	}
}

// restXML speaks restXml: the operation and its labels in the path, XML in, XML out. (Smithy 2.0 specification, "AWS REST
// XML protocol".)
type restXML struct{ *rest }

// Decode reads the path, the query, the headers and the body.
func (r *restXML) Decode(q *Request, op *Operation) (any, *awserr.Error) {
	in := reflect.New(op.input)
	inBody, e := r.outside(q, op, in)
	if e != nil {
		return nil, e
	}
	if inBody {
		root, b := parseXML(q.Body)
		if b == nil && root != nil {
			b = xmlReader{r.plans}.structure(in.Elem(), root)
		}
		if b != nil {
			return nil, r.fault(Unreadable, "Invalid XML ; "+b.Error())
		}
	}
	if e := r.validate(in.Elem()); e != nil {
		return nil, e
	}
	return in.Interface(), nil
}

// Encode writes <XResponse>, and the members that travel as headers.
func (r *restXML) Encode(op *Operation, out any, requestID string) Response {
	status := cmp.Or(op.Status, http.StatusOK)
	if status == http.StatusNoContent {
		return Response{Status: status}
	}
	v := reflect.ValueOf(out).Elem()
	w := &xmlWriter{plans: r.plans, item: "member", layout: isoMillis}
	w.WriteString(xmlHead + "<" + op.Name + `Response xmlns="` + r.service.Namespace + `">`)
	header := http.Header{}
	for _, m := range r.plans[v.Type()].members {
		f, ok := present(v.Field(m.index))
		switch {
		case ok && m.place == "header":
			header.Set(m.out, text(f, http.TimeFormat))
		case ok && m.place == "":
			w.value(m.out, f, m)
		}
	}
	w.WriteString("</" + op.Name + "Response>")
	return Response{Status: status, ContentType: "text/xml", Header: header, Body: w.Bytes()}
}

// EncodeError writes <ErrorResponse>.
func (r *restXML) EncodeError(e *awserr.Error, requestID string) Response {
	w := &xmlWriter{plans: r.plans}
	w.WriteString(xmlHead + `<ErrorResponse xmlns="` + r.service.Namespace + `">`)
	w.around("Error", func() {
		w.element("Type", faultSide(e))
		w.element("Code", e.Code)
		w.element("Message", e.Message)
		w.fields(e.Fields)
	})
	w.element("RequestId", requestID)
	w.WriteString("</ErrorResponse>")
	return Response{Status: e.Status, ContentType: "text/xml", Body: w.Bytes()}
}

// faultSide says whose fault an error is.
func faultSide(e *awserr.Error) string {
	if e.Status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

// s3XML says in the words of S3 that nothing of it is built. (Amazon S3 API Reference, "Error responses".)
type s3XML struct{ *rest }

// EncodeError writes an error as S3 does: alone, without an envelope.
func (s *s3XML) EncodeError(e *awserr.Error, requestID string) Response {
	w := &xmlWriter{plans: s.plans}
	w.WriteString(xmlHead)
	w.around("Error", func() {
		w.element("Code", e.Code)
		w.element("Message", e.Message)
		w.element("RequestId", requestID)
		w.element("HostId", requestID)
	})
	return Response{Status: e.Status, ContentType: "application/xml", Body: w.Bytes()}
}
