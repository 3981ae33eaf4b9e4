package awserr

import (
	"net/http"
	"strings"

	"kumiko/internal/world"
)

// Route53NoZone says that a hosted zone does not exist.
func Route53NoZone(id string) *Error {
	return New("NoSuchHostedZone", http.StatusNotFound, "No hosted zone found with ID: %s", id)
}

// Route53NoChange says that a change does not exist.
func Route53NoChange(id string) *Error {
	return New("NoSuchChange", http.StatusNotFound, "Could not find resource with ID: %s", id)
}

// Route53NoHealthCheck says that a health check does not exist.
func Route53NoHealthCheck(id string) *Error {
	return New("NoSuchHealthCheck", http.StatusNotFound, "A health check with id %s does not exist.", id)
}

// Route53NoGeoLocation says that records cannot be for a place.
func Route53NoGeoLocation() *Error {
	return New("NoSuchGeoLocation", http.StatusNotFound, "The specified geolocation is not supported by Route 53.")
}

// Route53NoDelegationSet says that a reusable delegation set does not exist.
func Route53NoDelegationSet(id string) *Error {
	return New("NoSuchDelegationSet", http.StatusBadRequest, "The reusable delegation set with the specified ID %s does not exist.", id)
}

// Route53Invalid says that the input is not valid.
func Route53Invalid(format string, args ...any) *Error {
	return New("InvalidInput", http.StatusBadRequest, format, args...)
}

// Route53InvalidBatch says what is wrong with the changes of a batch, none of which was made.
func Route53InvalidBatch(messages ...string) *Error {
	return New("InvalidChangeBatch", http.StatusBadRequest, "[%s]", strings.Join(messages, ", "))
}

// Route53NotBuilt says that something Route 53 has is not there.
func Route53NotBuilt(what string) *Error {
	return New("InvalidAction", http.StatusNotImplemented, "%s is not built in kumiko. docs/route53.md says what is.", what)
}

// Route53Refused is an error of the given code with status 400.
func Route53Refused(code, format string, args ...any) *Error {
	return New(code, http.StatusBadRequest, format, args...)
}

// Route53Conflict says that a VPC has a private zone of that name already.
func Route53Conflict(vpc, region, zone string) *Error {
	return New("ConflictingDomainExists", http.StatusBadRequest,
		"The VPC %s in region %s has already been associated with the hosted zone %s with the same domain name.", vpc, region, zone)
}

// route53From turns an error of the domain into Route 53's.
func route53From(w *world.Error) *Error {
	switch w.Noun {
	case "hosted-zone":
		switch w.Kind {
		case world.NotFound:
			return Route53NoZone(w.ID)
		case world.Conflict:
			return New("ConflictingDomainExists", http.StatusBadRequest, "%s", detail(w))
		case world.InUse:
			return New("HostedZoneNotEmpty", http.StatusBadRequest, "The specified hosted zone contains non-required resource record sets and so cannot be deleted.")
		}
	case "vpc":
		return New("InvalidVPCId", http.StatusBadRequest, "%s", detail(w))
	}
	return Route53Invalid("%s", detail(w))
}
