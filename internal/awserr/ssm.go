package awserr

import (
	"net/http"

	"kumiko/internal/world"
)

// SSMRefused is an error of Systems Manager; all of them have the same status.
func SSMRefused(code, format string, args ...any) *Error {
	return New(code, http.StatusBadRequest, format, args...)
}

// SSMInvalid says that a value is wrong.
func SSMInvalid(format string, args ...any) *Error {
	return SSMRefused("ValidationException", format, args...)
}

// SSMUnbuilt says that a part of a known operation is not built here. SDKs do not retry its status, 501.
func SSMUnbuilt(what string) *Error {
	return New("UnknownOperationException", http.StatusNotImplemented, "%s not built in kumiko.", what)
}

// SSMNoDocument says that a document does not exist.
func SSMNoDocument(name string) *Error {
	return SSMRefused("InvalidDocument", "Document with name %s does not exist.", name)
}

// ssmFrom turns an error of the domain into Systems Manager's.
func ssmFrom(w *world.Error) *Error {
	switch {
	case w.Noun == "instance" || w.Noun == "managed-node":
		return SSMRefused("InvalidInstanceId", "Instances [[%s]] not in a valid state for account", w.ID)
	case w.Noun == "ssm-document":
		return SSMRefused("InvalidDocument", "%s", detail(w))
	}
	return SSMInvalid("%s", detail(w))
}
