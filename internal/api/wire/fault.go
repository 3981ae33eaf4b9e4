package wire

import (
	"cmp"
	"net/http"

	"kumiko/internal/awserr"
)

// FaultKind is an error that every service has, whatever it does.
type FaultKind int

// The kinds of fault.
const (
	NotBuilt            FaultKind = iota + 1 // the operation exists at AWS, not here; detail: its name
	UnknownOperation                         // there is no such operation; detail: its name
	MissingAction                            // the request names no operation
	Unreadable                               // the request is no form, no JSON or has values of the wrong type; detail: why
	InvalidInput                             // a value breaks a constraint; detail: which
	TooLarge                                 // the body is larger than the service takes
	MissingToken                             // the request is not signed
	IncompleteSignature                      // the signature cannot be read; detail: why
	UnknownKey                               // the access key or the session token is unknown
	BadSignature                             // the signature is not that of the request; detail: why, if it is not the signature itself
	ExpiredToken                             // the session is over
	Skewed                                   // the time of the request is not now; detail: how
	Denied                                   // a policy forbids it; detail: why
	Internal                                 // our fault
)

// texts of faults that say the same in all protocols. (AWS General Reference, "Common errors".)
const (
	mismatch = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and " +
		"signing method. Consult the service documentation for details."
	badToken = "The security token included in the request is invalid."
	expired  = "The security token included in the request is expired"
)

// Fault is the error a service of the given name and protocol answers for a kind of fault.
func Fault(service string, p Protocol, k FaultKind, detail string) *awserr.Error {
	code, status, text := "", 0, ""
	switch p {
	case EC2Query:
		code, status, text = ec2Fault(k, detail)
	case AWSQuery:
		code, status, text = queryFault(k, detail)
	case RestJSON:
		code, status, text = jsonFault(k, detail)
		if status == http.StatusBadRequest && (k >= MissingToken && k <= Denied) {
			status = http.StatusForbidden
		}
		if k == UnknownOperation {
			status = http.StatusNotFound
		}
	case S3XML:
		code, status, text = restXMLFault(k, detail)
		switch k {
		case NotBuilt:
			code = "NotImplemented"
		case MissingToken:
			code, status, text = "AccessDenied", http.StatusForbidden, "Access Denied"
		}
	case RestXML:
		code, status, text = restXMLFault(k, detail)
	default:
		code, status, text = jsonFault(k, detail)
	}
	if k == InvalidInput && (service == awserr.Logs || service == awserr.Resolver || service == awserr.RAM) {
		code = "InvalidParameterException"
	}
	if service == awserr.Lattice {
		switch k {
		case Unreadable:
			return awserr.LatticeCannotParse("%s", text)
		case Internal:
			code = "InternalServerException"
		}
	}
	return &awserr.Error{Code: code, Status: status, Message: text}
}

// notBuilt is the text for operations that AWS has and kumiko does not.
func notBuilt(operation string) string {
	return "The operation " + operation + " is not built in kumiko. docs/coverage.md lists those that are."
}

// ec2Fault is the row of EC2. (Amazon EC2 API Reference, "Error codes".)
func ec2Fault(k FaultKind, detail string) (code string, status int, text string) {
	const authFailure = "AWS was not able to validate the provided access credentials"
	switch k {
	case NotBuilt:
		return "UnsupportedOperation", http.StatusNotImplemented, notBuilt(detail)
	case UnknownOperation:
		return "InvalidAction", http.StatusBadRequest, "The action " + detail + " is not valid for this web service."
	case MissingAction:
		return "MissingAction", http.StatusBadRequest, "The request is missing an action or a required parameter."
	case Unreadable:
		return "MalformedQueryString", http.StatusBadRequest, detail
	case InvalidInput:
		return "InvalidParameterValue", http.StatusBadRequest, detail
	case TooLarge:
		return "RequestEntityTooLarge", http.StatusRequestEntityTooLarge, "The request is too large."
	case MissingToken:
		return "AuthFailure", http.StatusUnauthorized, authFailure
	case IncompleteSignature:
		return "IncompleteSignature", http.StatusBadRequest, detail
	case UnknownKey, BadSignature:
		return "AuthFailure", http.StatusUnauthorized, authFailure
	case ExpiredToken:
		return "RequestExpired", http.StatusBadRequest, "Request has expired."
	case Skewed:
		return "RequestExpired", http.StatusBadRequest, "Request has expired."
	case Denied:
		return "UnauthorizedOperation", http.StatusForbidden, "You are not authorized to perform this operation. " + detail
	}
	return "InternalError", http.StatusInternalServerError, "An internal error has occurred"
}

// queryFault is the row of awsQuery services.
func queryFault(k FaultKind, detail string) (code string, status int, text string) {
	switch k {
	case NotBuilt:
		return "InvalidAction", http.StatusNotImplemented, notBuilt(detail)
	case UnknownOperation:
		return "InvalidAction", http.StatusBadRequest, "Could not find operation " + detail
	case MissingAction:
		return "MissingAction", http.StatusBadRequest, "The request is missing an action or a required parameter."
	case Unreadable:
		return "MalformedInput", http.StatusBadRequest, detail
	case InvalidInput:
		return "ValidationError", http.StatusBadRequest, detail
	case TooLarge:
		return "RequestEntityTooLarge", http.StatusRequestEntityTooLarge, "The request is too large."
	case MissingToken:
		return "MissingAuthenticationToken", http.StatusForbidden, "Request is missing Authentication Token"
	case IncompleteSignature:
		return "IncompleteSignature", http.StatusBadRequest, detail
	case UnknownKey:
		return "InvalidClientTokenId", http.StatusForbidden, badToken
	case BadSignature:
		return "SignatureDoesNotMatch", http.StatusForbidden, cmp.Or(detail, mismatch)
	case ExpiredToken:
		return "ExpiredToken", http.StatusForbidden, expired
	case Skewed:
		return "SignatureDoesNotMatch", http.StatusForbidden, detail
	case Denied:
		return "AccessDenied", http.StatusForbidden, detail
	}
	return "InternalFailure", http.StatusInternalServerError, "The request processing has failed because of an unknown error, exception or failure."
}

// restXMLFault is the row of Route 53. (Amazon Route 53 API Reference, "Common errors" and InvalidInput.)
func restXMLFault(k FaultKind, detail string) (code string, status int, text string) {
	switch k {
	case Unreadable, InvalidInput:
		return "InvalidInput", http.StatusBadRequest, detail
	case UnknownOperation:
		return "InvalidAction", http.StatusNotFound, "There is no operation at " + detail
	}
	return queryFault(k, detail)
}

// jsonFault is the row of services that speak JSON.
func jsonFault(k FaultKind, detail string) (code string, status int, text string) {
	switch k {
	case NotBuilt:
		return "UnknownOperationException", http.StatusNotImplemented, notBuilt(detail)
	case UnknownOperation:
		return "UnknownOperationException", http.StatusBadRequest, "Unknown operation " + detail
	case MissingAction:
		return "UnknownOperationException", http.StatusBadRequest, "The request names no operation"
	case Unreadable:
		return "SerializationException", http.StatusBadRequest, detail
	case InvalidInput:
		return "ValidationException", http.StatusBadRequest, detail
	case TooLarge:
		return "RequestEntityTooLargeException", http.StatusRequestEntityTooLarge, "The request is too large."
	case MissingToken:
		return "MissingAuthenticationTokenException", http.StatusBadRequest, "Missing Authentication Token"
	case IncompleteSignature:
		return "IncompleteSignatureException", http.StatusBadRequest, detail
	case UnknownKey:
		return "UnrecognizedClientException", http.StatusBadRequest, badToken
	case BadSignature:
		return "InvalidSignatureException", http.StatusBadRequest, cmp.Or(detail, mismatch)
	case ExpiredToken:
		return "ExpiredTokenException", http.StatusBadRequest, expired
	case Skewed:
		return "InvalidSignatureException", http.StatusBadRequest, detail
	case Denied:
		return "AccessDeniedException", http.StatusBadRequest, detail
	}
	return "InternalFailure", http.StatusInternalServerError, "The request processing has failed because of an unknown error, exception or failure."
}
