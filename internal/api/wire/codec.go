package wire

import (
	"fmt"
	"net/http"

	"kumiko/internal/awserr"
)

// Request is what a codec needs of an HTTP request.
type Request struct {
	Method string
	Path   string // as it was sent, percent-encoded
	Query  string // as it was sent, without the question mark
	Header http.Header
	Body   []byte
}

// Response is an HTTP answer without its general headers.
type Response struct {
	Status      int
	ContentType string // empty if there is no body
	Header      http.Header
	Body        []byte
}

// Codec speaks the protocol of one service. It is safe for concurrent use.
type Codec interface {
	// Route finds the operation the request is for. The error is one the client gets to see, as are those of Decode.
	Route(r *Request) (*Operation, *awserr.Error)
	// Decode reads the input of an operation and checks it.
	Decode(r *Request, op *Operation) (in any, err *awserr.Error)
	// Encode writes the output of an operation.
	Encode(op *Operation, out any, requestID string) Response
	// EncodeError writes an error.
	EncodeError(e *awserr.Error, requestID string) Response
}

// New makes the codec of a service. It fails if the descriptor is not sound.
func New(s Service) (Codec, error) {
	b := &base{service: s, ops: map[string]*Operation{}, known: map[string]bool{}, plans: plans{}}
	for _, k := range s.Known {
		b.known[k.Name] = true
	}
	var err error
	if b.checks, err = compileChecks(s.Constraints); err != nil {
		return nil, fmt.Errorf("wire: %s: %w", s.Name, err)
	}
	for i := range s.Operations {
		op := &s.Operations[i]
		b.ops[op.Name] = op
		b.plans.add(op.input)
		b.plans.add(op.output)
	}
	switch s.Protocol {
	case EC2Query, AWSQuery:
		return &query{base: b, ec2: s.Protocol == EC2Query}, nil
	case JSON10:
		return &jsonRPC{base: b, contentType: "application/x-amz-json-1.0"}, nil
	case JSON11:
		return &jsonRPC{base: b, contentType: "application/x-amz-json-1.1"}, nil
	case RestJSON:
		return newRest(b)
	case RestXML:
		r, err := newRest(b)
		if err != nil {
			return nil, err
		}
		return &restXML{r}, nil
	case S3XML:
		r, err := newRest(b)
		if err != nil {
			return nil, err
		}
		return &s3XML{r}, nil
	}
	return nil, fmt.Errorf("wire: %s: unknown protocol %d", s.Name, s.Protocol)
}

// base is what all codecs have.
type base struct {
	service Service
	ops     map[string]*Operation
	known   map[string]bool
	plans   plans
	checks  map[string]*check
}

// operation is the operation of the given name, or the error that says there is none.
func (b *base) operation(name string) (*Operation, *awserr.Error) {
	if op, ok := b.ops[name]; ok {
		return op, nil
	}
	if b.known[name] {
		return nil, b.fault(NotBuilt, name)
	}
	return nil, b.fault(UnknownOperation, name)
}

func (b *base) fault(k FaultKind, detail string) *awserr.Error {
	return Fault(b.service.Name, b.service.Protocol, k, detail)
}
