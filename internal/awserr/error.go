package awserr

import (
	"errors"
	"fmt"

	"kumiko/internal/world"
)

// Error is an error as an AWS service answers it.
type Error struct {
	Code    string
	Status  int // of HTTP
	Message string
	Fields  map[string]any // members beside the message, such as resourceId; JSON protocols only
}

// Error says it for people.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// New is the error with the given code, HTTP status and text.
func New(code string, status int, format string, args ...any) *Error {
	return &Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

// Names of services, as signatures have them.
const (
	EC2      = "ec2"
	Lattice  = "vpc-lattice"
	Logs     = "logs"
	STS      = "sts"
	IAM      = "iam"
	Route53  = "route53"
	Resolver = "route53resolver"
	SSM      = "ssm"
	RAM      = "ram"
	ELB      = "elasticloadbalancing"
)

// From is err as service svc answers it: err itself when it is an *Error, the AWS error for a *world.Error, nil for anything else,
// which is an internal error.
func From(err error, svc string) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	var w *world.Error
	if !errors.As(err, &w) {
		return nil
	}
	switch svc {
	case EC2:
		return ec2From(w)
	case Lattice:
		return latticeFrom(w)
	case Logs:
		return logsFrom(w)
	case IAM:
		return iamFrom(w)
	case Route53:
		return route53From(w)
	case Resolver:
		return resolverFrom(w)
	case SSM:
		return ssmFrom(w)
	case RAM:
		return ramFrom(w)
	case ELB:
		return elbFrom(w)
	}
	return New("ValidationError", 400, "%s", w.Error())
}
