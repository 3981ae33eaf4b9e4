package awserr

import (
	"net/http"

	"kumiko/internal/world"
)

// ResolverInvalid says that a parameter is wrong.
func ResolverInvalid(field, format string, args ...any) *Error {
	e := New("InvalidParameterException", http.StatusBadRequest, format, args...)
	e.Fields = map[string]any{"FieldName": field}
	return e
}

// ResolverRefused says that what is there forbids the request.
func ResolverRefused(format string, args ...any) *Error {
	return New("InvalidRequestException", http.StatusBadRequest, format, args...)
}

// ResolverNotFound says that a resource does not exist.
func ResolverNotFound(kind, id string) *Error {
	return resolverOf(New("ResourceNotFoundException", http.StatusBadRequest, "%s with ID %q doesn't exist.", kind, id), kind)
}

// ResolverExists says that there is one already.
func ResolverExists(kind, format string, args ...any) *Error {
	return resolverOf(New("ResourceExistsException", http.StatusBadRequest, format, args...), kind)
}

// ResolverInUse says that others need the resource.
func ResolverInUse(kind, format string, args ...any) *Error {
	return resolverOf(New("ResourceInUseException", http.StatusBadRequest, format, args...), kind)
}

// ResolverLimit says that a quota is used up.
func ResolverLimit(kind, format string, args ...any) *Error {
	return resolverOf(New("LimitExceededException", http.StatusBadRequest, format, args...), kind)
}

// ResolverUnbuilt says that a part of a known operation is not built here. SDKs do not retry its status, 501.
func ResolverUnbuilt(what string) *Error {
	return New("UnsupportedOperation", http.StatusNotImplemented, "%s not built in kumiko.", what)
}

func resolverOf(e *Error, kind string) *Error {
	e.Fields = map[string]any{"ResourceType": kind}
	return e
}

// resolverFrom turns an error of the domain into Route 53 Resolver's.
func resolverFrom(w *world.Error) *Error {
	switch w.Kind {
	case world.NotFound:
		return ResolverNotFound(w.Noun, w.ID)
	case world.Conflict:
		return ResolverExists(w.Noun, "%s", detail(w))
	case world.InUse:
		return ResolverInUse(w.Noun, "%s", detail(w))
	case world.Exhausted:
		return ResolverLimit(w.Noun, "%s", detail(w))
	}
	return ResolverInvalid(w.Noun, "%s", detail(w))
}
