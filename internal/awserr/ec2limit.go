package awserr

import "net/http"

// EC2Limit says that a quota of EC2 is used up, under the code EC2 has for that quota.
func EC2Limit(code, text string) *Error { return New(code, http.StatusBadRequest, "%s", text) }

// EC2Unsupported says that a request, or a part of it, is right but not built here.
func EC2Unsupported(text string) *Error {
	return New("UnsupportedOperation", http.StatusBadRequest, "%s", text)
}

// EC2Code is an error of EC2 that only one operation knows.
func EC2Code(code, format string, args ...any) *Error {
	return New(code, http.StatusBadRequest, format, args...)
}

// EC2Unbuilt says that a known operation is not built here. Its status, 501, is one that SDKs do not retry.
func EC2Unbuilt(operation string) *Error {
	return New("UnsupportedOperation", http.StatusNotImplemented,
		"The operation %s is not built in kumiko. docs/coverage.md lists those that are.", operation)
}
