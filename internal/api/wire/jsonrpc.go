package wire

import (
	"maps"
	"net/http"
	"reflect"
	"strings"

	"kumiko/internal/awserr"
)

// jsonRPC speaks awsJson1.0 and awsJson1.1: the operation in a header, JSON in, JSON out. (Smithy 2.0 specification, "AWS JSON protocols".)
type jsonRPC struct {
	*base
	contentType string
}

// Route finds the operation by the header X-Amz-Target.
func (j *jsonRPC) Route(r *Request) (*Operation, *awserr.Error) {
	target := r.Header.Get("X-Amz-Target")
	if target == "" {
		return nil, j.fault(MissingAction, "")
	}
	prefix, name, ok := strings.Cut(target, ".")
	if !ok || prefix != j.service.TargetPrefix {
		return nil, j.fault(UnknownOperation, target)
	}
	return j.operation(name)
}

// Decode reads the body.
func (j *jsonRPC) Decode(r *Request, op *Operation) (any, *awserr.Error) {
	object, b := parseJSON(r.Body)
	in := reflect.New(op.input)
	if b == nil {
		b = jsonReader{j.plans}.structure(in.Elem(), object)
	}
	if b != nil {
		return nil, j.fault(Unreadable, b.Error())
	}
	if e := j.validate(in.Elem()); e != nil {
		return nil, e
	}
	return in.Interface(), nil
}

// Encode writes an object; {} when the operation has no output.
func (j *jsonRPC) Encode(op *Operation, out any, requestID string) Response {
	w := &jsonWriter{plans: j.plans}
	w.structure(reflect.ValueOf(out).Elem())
	return Response{Status: http.StatusOK, ContentType: j.contentType, Body: w.Bytes()}
}

// EncodeError writes the code as __type, and as a header for SDKs that look there.
func (j *jsonRPC) EncodeError(e *awserr.Error, requestID string) Response {
	members := map[string]any{"__type": e.Code, "message": e.Message}
	maps.Copy(members, e.Fields)
	return Response{
		Status: e.Status, ContentType: j.contentType, Header: http.Header{"X-Amzn-Errortype": {e.Code}}, Body: errorObject(members),
	}
}
