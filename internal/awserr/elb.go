package awserr

import (
	"net/http"

	"kumiko/internal/world"
)

// ELBCode is an error of Elastic Load Balancing.
func ELBCode(code, format string, args ...any) *Error {
	return New(code, http.StatusBadRequest, format, args...)
}

// ELBInvalid says that a request does not hold together.
func ELBInvalid(format string, args ...any) *Error {
	return ELBCode("ValidationError", format, args...)
}

// ELBUnbuilt says that a part of a known operation is not built here. SDKs do not retry its status, 501.
func ELBUnbuilt(what string) *Error {
	return New("UnsupportedOperation", http.StatusNotImplemented, "%s not built in kumiko.", what)
}

// elbFrom turns an error of the domain into Elastic Load Balancing's.
func elbFrom(w *world.Error) *Error {
	switch {
	case w.Kind == world.NotFound && w.Noun == "subnet":
		return ELBCode("SubnetNotFound", "The subnet ID '%s' does not exist", w.ID)
	case w.Kind == world.Exhausted && w.Noun == "subnet":
		return ELBCode("InvalidSubnet", "Not enough IP space available in %s.", w.ID)
	case w.Kind == world.InUse:
		return ELBCode("ResourceInUse", "%s", detail(w))
	}
	return ELBInvalid("%s", detail(w))
}
