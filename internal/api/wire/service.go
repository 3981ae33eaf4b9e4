package wire

import (
	"context"
	"reflect"

	"kumiko/internal/world"
)

// Protocol is one of the ways AWS services talk.
type Protocol int

// The protocols of AWS. (Smithy 2.0 specification, "AWS protocols".)
const (
	EC2Query Protocol = iota + 1
	AWSQuery
	JSON10
	JSON11
	RestJSON
	RestXML
	S3XML // RestXML with errors of its own form
)

// Service describes one AWS service to the front door. Packages ec2api, latticeapi and so on make them.
type Service struct {
	Name         string // as signatures name it
	Protocol     Protocol
	Version      string // API version
	TargetPrefix string // of X-Amz-Target, in the JSON protocols
	Namespace    string // of XML answers
	Operations   []Operation
	Known        []Known // every operation of the service, built or not
	Constraints  map[string]Constraint
}

// Known names an operation that AWS's model of the service has.
type Known struct {
	Name, Method, Path string
}

// Operation is one operation that is built.
type Operation struct {
	Name   string
	Method string // of REST protocols
	Path   string // of REST protocols: a template such as /tags/{resourceArn}
	Status int    // of a successful answer; 0 is 200

	// Call does the operation. in is what Codec.Decode returned.
	Call func(ctx context.Context, c world.Caller, in any) (any, error)

	input, output reflect.Type
}

// Op makes the Operation that handler f does.
func Op[I, O any](name string, f func(context.Context, world.Caller, *I) (*O, error)) Operation {
	return Operation{
		Name:   name,
		input:  reflect.TypeFor[I](),
		output: reflect.TypeFor[O](),
		Call: func(ctx context.Context, c world.Caller, in any) (any, error) {
			out, err := f(ctx, c, in.(*I))
			if err != nil {
				return nil, err
			}
			if out == nil {
				out = new(O)
			}
			return out, nil
		},
	}
}

// At returns the operation with its place in a REST protocol.
func (o Operation) At(method, path string, status int) Operation {
	o.Method, o.Path, o.Status = method, path, status
	return o
}

// Constraint is what the model demands of the values of a shape. Min and Max limit the value of numbers, the length in
// characters of strings, and the number of items of lists and maps.
type Constraint struct {
	Min, Max *int64
	Pattern  string   // a Java regular expression the whole value must match
	Enum     []string // the values there are
	Item     string   // constraint of a list's items
	Key      string   // constraint of a map's keys
	Value    string   // constraint of a map's values
}
