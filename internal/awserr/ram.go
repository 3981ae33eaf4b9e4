package awserr

import (
	"net/http"

	"kumiko/internal/world"
)

// RAMInvalid says that a parameter is wrong.
func RAMInvalid(format string, args ...any) *Error {
	return New("InvalidParameterException", http.StatusBadRequest, format, args...)
}

// RAMMalformed says that an ARN has not the form of one.
func RAMMalformed(arn string) *Error {
	return New("MalformedArnException", http.StatusBadRequest, "The specified resource ARN %s is not valid. Verify the ARN and try again.", arn)
}

// RAMUnknown says that a resource, a share or a permission does not exist. The kind is written as in ResourceShare.
func RAMUnknown(kind, name string) *Error {
	return New("UnknownResourceException", http.StatusBadRequest, "%s %s could not be found.", kind, name)
}

// RAMNotPermitted says that the request cannot be granted to anybody in the caller's place.
func RAMNotPermitted(format string, args ...any) *Error {
	return New("OperationNotPermittedException", http.StatusBadRequest, format, args...)
}

// RAMInvitation says what is the matter with an invitation: ArnNotFound, AlreadyAccepted, AlreadyRejected or Expired.
func RAMInvitation(matter, arn string) *Error {
	text := map[string]string{
		"ArnNotFound": "could not be found", "AlreadyAccepted": "was already accepted", "AlreadyRejected": "was already rejected", "Expired": "has expired",
	}[matter]
	return New("ResourceShareInvitation"+matter+"Exception", http.StatusBadRequest, "ResourceShareInvitation %s %s.", arn, text)
}

// RAMTokenMismatch says that a client token was used with other parameters.
func RAMTokenMismatch(token string) *Error {
	return New("IdempotentParameterMismatchException", http.StatusBadRequest, "The client token %s was used before with other parameters.", token)
}

// RAMUnbuilt says that a part of a known operation is not built here. SDKs do not retry its status, 501.
func RAMUnbuilt(what string) *Error {
	return New("OperationNotPermittedException", http.StatusNotImplemented, "%s not built in kumiko.", what)
}

// ramFrom turns an error of the domain into RAM's.
func ramFrom(w *world.Error) *Error {
	switch w.Kind {
	case world.NotFound:
		return RAMUnknown("Resource", w.ID)
	case world.InUse, world.Conflict:
		return New("InvalidStateTransitionException", http.StatusBadRequest, "%s", detail(w))
	case world.Exhausted:
		return New("ResourceShareLimitExceededException", http.StatusBadRequest, "%s", detail(w))
	}
	return RAMInvalid("%s", detail(w))
}
