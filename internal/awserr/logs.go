package awserr

import (
	"net/http"

	"kumiko/internal/world"
)

// LogsNoGroup says that a log group does not exist.
func LogsNoGroup() *Error {
	return New("ResourceNotFoundException", http.StatusBadRequest, "The specified log group does not exist.")
}

// LogsNoStream says that a log stream does not exist.
func LogsNoStream() *Error {
	return New("ResourceNotFoundException", http.StatusBadRequest, "The specified log stream does not exist.")
}

// LogsGroupExists says that there is a log group of that name.
func LogsGroupExists() *Error {
	return New("ResourceAlreadyExistsException", http.StatusBadRequest, "The specified log group already exists")
}

// LogsStreamExists says that there is a log stream of that name.
func LogsStreamExists() *Error {
	return New("ResourceAlreadyExistsException", http.StatusBadRequest, "The specified log stream already exists")
}

// LogsInvalid says that a parameter is wrong.
func LogsInvalid(format string, args ...any) *Error {
	return New("InvalidParameterException", http.StatusBadRequest, format, args...)
}

// LogsLimit says that a quota is used up.
func LogsLimit(format string, args ...any) *Error {
	return New("LimitExceededException", http.StatusBadRequest, format, args...)
}

// LogsAborted says that another request for the same resource is in the way.
func LogsAborted(format string, args ...any) *Error {
	return New("OperationAbortedException", http.StatusBadRequest, format, args...)
}

// logsFrom turns an error of the domain into CloudWatch Logs'.
func logsFrom(w *world.Error) *Error {
	stream := w.Noun == "log-stream"
	switch w.Kind {
	case world.NotFound:
		if stream {
			return LogsNoStream()
		}
		return LogsNoGroup()
	case world.Conflict:
		if stream {
			return LogsStreamExists()
		}
		return LogsGroupExists()
	case world.InUse:
		return LogsAborted("%s", detail(w))
	case world.Exhausted:
		return LogsLimit("%s", detail(w))
	}
	return LogsInvalid("%s", detail(w))
}
