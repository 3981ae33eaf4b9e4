package awserr

import (
	"fmt"
	"net/http"
	"strings"

	"kumiko/internal/world"
)

// Field is one wrong field of a request, an item of a ValidationException's fieldList.
type Field struct {
	Name    string `json:"name"`
	Message string `json:"message"`
}

// LatticeValidation says that the request cannot be accepted for the reason "other".
func LatticeValidation(format string, args ...any) *Error {
	return latticeValidation("other", fmt.Sprintf(format, args...))
}

// LatticeCannotParse says that the request cannot be read.
func LatticeCannotParse(format string, args ...any) *Error {
	return latticeValidation("cannotParse", fmt.Sprintf(format, args...))
}

// LatticeFields says that fields of the request have wrong values.
func LatticeFields(message string, fields ...Field) *Error {
	e := latticeValidation("fieldValidationFailed", message)
	e.Fields["fieldList"] = fields
	return e
}

func latticeValidation(reason, message string) *Error {
	return &Error{"ValidationException", http.StatusBadRequest, message, map[string]any{"reason": reason}}
}

// LatticeNotFound says that a resource does not exist. The type is written as in SERVICE_NETWORK.
func LatticeNotFound(resourceType, id string) *Error {
	return &Error{"ResourceNotFoundException", http.StatusNotFound, resourceType + " " + id + " not found", resource(resourceType, id)}
}

// LatticeConflict says that the state of a resource forbids the request.
func LatticeConflict(resourceType, id, format string, args ...any) *Error {
	return &Error{"ConflictException", http.StatusConflict, fmt.Sprintf(format, args...), resource(resourceType, id)}
}

// LatticeQuota says that a quota is used up. Codes are those of Service Quotas, e.g. L-9CAD07FB.
func LatticeQuota(resourceType, quotaCode, format string, args ...any) *Error {
	return &Error{"ServiceQuotaExceededException", http.StatusPaymentRequired, fmt.Sprintf(format, args...),
		map[string]any{"resourceType": resourceType, "serviceCode": "vpc-lattice", "quotaCode": quotaCode}}
}

// LatticeAccessDenied says that the caller may not do it.
func LatticeAccessDenied(format string, args ...any) *Error {
	return New("AccessDeniedException", http.StatusForbidden, format, args...)
}

func resource(resourceType, id string) map[string]any {
	return map[string]any{"resourceType": resourceType, "resourceId": id}
}

// LatticeType is the word for a noun of package world in Lattice's errors: SERVICE_NETWORK for service-network.
func LatticeType(noun string) string {
	return strings.ToUpper(strings.ReplaceAll(noun, "-", "_"))
}

// latticeFrom turns an error of the domain into Lattice's.
func latticeFrom(w *world.Error) *Error {
	t := LatticeType(w.Noun)
	switch w.Kind {
	case world.NotFound:
		return LatticeNotFound(t, w.ID)
	case world.InUse, world.Conflict:
		return LatticeConflict(t, w.ID, "%s", detail(w))
	case world.Exhausted:
		if w.Noun == "subnet" {
			return LatticeValidation("Subnet %s is not valid because it doesn't have the minimum number of IPv4 addresses. "+
				"Specify a subnet with at least 16 IPv4 addresses.", w.ID)
		}
		return LatticeQuota(t, "", "%s", detail(w))
	}
	return LatticeValidation("%s", detail(w))
}
