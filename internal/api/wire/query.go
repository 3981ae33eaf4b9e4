package wire

import (
	"net/http"
	"reflect"
	"strings"

	"kumiko/internal/awserr"
)

// query speaks ec2Query and awsQuery: a form in, XML out. (Smithy 2.0 specification, "AWS EC2 query protocol" and "AWS query protocol".)
type query struct {
	*base
	ec2 bool
}

// form reads the parameters, which may stand in the URL and in the body.
func (q *query) form(r *Request) (*node, *awserr.Error) {
	raw := r.Query
	if r.Method == http.MethodPost && len(r.Body) > 0 {
		raw = strings.Trim(raw+"&"+string(r.Body), "&")
	}
	root, b := parseForm(raw)
	if b != nil {
		return nil, q.unreadable(b)
	}
	return root, nil
}

// Route finds the operation by the parameter Action.
func (q *query) Route(r *Request) (*Operation, *awserr.Error) {
	root, e := q.form(r)
	if e != nil {
		return nil, e
	}
	action, version := root.take("Action"), root.take("Version")
	if action == "" {
		return nil, q.fault(MissingAction, "")
	}
	if version != "" && version != q.service.Version {
		return nil, q.fault(UnknownOperation, action)
	}
	return q.operation(action)
}

// Decode reads the parameters.
func (q *query) Decode(r *Request, op *Operation) (any, *awserr.Error) {
	root, e := q.form(r)
	if e != nil {
		return nil, e
	}
	in := reflect.New(op.input)
	if b := (formReader{q.plans, q.ec2}).structure(in.Elem(), root); b != nil {
		return nil, q.unreadable(b)
	}
	if q.ec2 {
		for name, k := range root.kids {
			if isGeneral(name) {
				k.used = true
			}
		}
		if name, ok := root.unused(""); ok {
			return nil, awserr.New("UnknownParameter", http.StatusBadRequest, "The parameter %s is not recognized", name)
		}
	}
	if e := q.validate(in.Elem()); e != nil {
		return nil, e
	}
	return in.Interface(), nil
}

// isGeneral tells whether a parameter belongs to the request as a whole: the operation's name and the signature.
func isGeneral(name string) bool {
	return name == "Action" || name == "Version" || strings.HasPrefix(strings.ToLower(name), "x-amz-")
}

// Encode writes <XResponse>, in awsQuery with <XResult> in it.
func (q *query) Encode(op *Operation, out any, requestID string) Response {
	v := reflect.ValueOf(out).Elem()
	w := &xmlWriter{plans: q.plans, item: "member", layout: isoSeconds}
	if q.ec2 {
		w.item, w.layout = "item", isoMillis
	}
	w.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<" + op.Name + `Response xmlns="` + q.namespace() + `">`)
	switch {
	case q.ec2:
		w.element("requestId", requestID)
		if v.NumField() == 0 {
			w.element("return", "true")
		}
		w.members(v)
	default:
		w.around(op.Name+"Result", func() { w.members(v) }) // even when it is empty: some SDKs look for it
		w.around("ResponseMetadata", func() { w.element("RequestId", requestID) })
	}
	w.WriteString("</" + op.Name + "Response>")
	return Response{Status: http.StatusOK, ContentType: "text/xml;charset=UTF-8", Body: w.Bytes()}
}

// namespace is that of answers; EC2's ends in a slash that the model leaves out.
func (q *query) namespace() string {
	if q.ec2 {
		return strings.TrimSuffix(q.service.Namespace, "/") + "/"
	}
	return q.service.Namespace
}

// EncodeError writes <Response><Errors> or <ErrorResponse>.
func (q *query) EncodeError(e *awserr.Error, requestID string) Response {
	w := &xmlWriter{plans: q.plans}
	w.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	body := func() {
		w.element("Code", e.Code)
		w.element("Message", e.Message)
		w.fields(e.Fields)
	}
	if q.ec2 {
		w.around("Response", func() {
			w.around("Errors", func() { w.around("Error", body) })
			w.element("RequestID", requestID)
		})
	} else {
		w.WriteString(`<ErrorResponse xmlns="` + q.service.Namespace + `">`)
		w.around("Error", func() {
			w.element("Type", map[bool]string{true: "Receiver", false: "Sender"}[e.Status >= http.StatusInternalServerError])
			body()
		})
		w.element("RequestId", requestID)
		w.WriteString("</ErrorResponse>")
	}
	return Response{Status: e.Status, ContentType: "text/xml;charset=UTF-8", Body: w.Bytes()}
}

// unreadable is the answer to a request that cannot be read.
func (q *query) unreadable(b *badInput) *awserr.Error {
	switch {
	case len(b.path) == 0:
		return awserr.New("MalformedQueryString", http.StatusBadRequest, "%s", b.why)
	case q.ec2:
		return awserr.EC2InvalidParameter(b.name(), b.value, b.why)
	}
	return awserr.New("MalformedInput", http.StatusBadRequest, "Value (%s) for parameter %s is invalid. %s", b.value, b.name(), b.why)
}
