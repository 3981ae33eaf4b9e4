package awserr

import (
	"net/http"

	"kumiko/internal/world"
)

// IAMNoSuch says that something of IAM does not exist.
func IAMNoSuch(format string, args ...any) *Error {
	return New("NoSuchEntity", http.StatusNotFound, format, args...)
}

// IAMExists says that there is something of that name already.
func IAMExists(format string, args ...any) *Error {
	return New("EntityAlreadyExists", http.StatusConflict, format, args...)
}

// IAMDeleteConflict says that something cannot be deleted because of what it has or is part of.
func IAMDeleteConflict(format string, args ...any) *Error {
	return New("DeleteConflict", http.StatusConflict, format, args...)
}

// IAMMalformed says that a policy document is not accepted.
func IAMMalformed(format string, args ...any) *Error {
	return New("MalformedPolicyDocument", http.StatusBadRequest, format, args...)
}

// IAMLimit says that a quota is used up.
func IAMLimit(format string, args ...any) *Error {
	return New("LimitExceeded", http.StatusConflict, format, args...)
}

// IAMInvalid says that a parameter is wrong.
func IAMInvalid(format string, args ...any) *Error {
	return New("InvalidInput", http.StatusBadRequest, format, args...)
}

// IAMUnmodifiable says that something belongs to a service.
func IAMUnmodifiable(format string, args ...any) *Error {
	return New("UnmodifiableEntity", http.StatusBadRequest, format, args...)
}

// IAMValidation says that a request does not hold together.
func IAMValidation(format string, args ...any) *Error {
	return New("ValidationError", http.StatusBadRequest, format, args...)
}

// iamFrom turns an error of the domain into IAM's.
func iamFrom(w *world.Error) *Error {
	switch w.Kind {
	case world.NotFound:
		return IAMNoSuch("%s", detail(w))
	case world.InUse:
		return IAMDeleteConflict("%s", detail(w))
	case world.Conflict:
		return IAMExists("%s", detail(w))
	case world.Exhausted:
		return IAMLimit("%s", detail(w))
	}
	return IAMInvalid("%s", detail(w))
}
