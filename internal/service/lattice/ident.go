package lattice

import (
	"strings"

	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// kind is a kind of resource with the words its ids, ARNs and errors are made of.
type kind struct {
	prefix string // of ids, without the hyphen
	path   string // before the id in ARNs
	noun   string // resourceType in errors
	field  string // name of the member that identifies one in requests
}

// The kinds of resource. (VPC Lattice API Reference, the identifiers' patterns.)
func networkKind() kind {
	return kind{"sn", "servicenetwork", "SERVICE_NETWORK", "serviceNetworkIdentifier"}
}
func vpcAssociationKind() kind {
	return kind{"snva", "servicenetworkvpcassociation", "SERVICE_NETWORK_VPC_ASSOCIATION", "serviceNetworkVpcAssociationIdentifier"}
}
func resourceAssociationKind() kind {
	return kind{"snra", "servicenetworkresourceassociation", "SERVICE_NETWORK_RESOURCE_ASSOCIATION", "serviceNetworkResourceAssociationIdentifier"}
}
func gatewayKind() kind {
	return kind{"rgw", "resourcegateway", "RESOURCE_GATEWAY", "resourceGatewayIdentifier"}
}
func configurationKind() kind {
	return kind{"rcfg", "resourceconfiguration", "RESOURCE_CONFIGURATION", "resourceConfigurationIdentifier"}
}
func subscriptionKind() kind {
	return kind{"als", "accesslogsubscription", "ACCESS_LOG_SUBSCRIPTION", "accessLogSubscriptionIdentifier"}
}

func serviceKind() kind { return kind{"svc", "service", "SERVICE", "serviceIdentifier"} }
func listenerKind() kind {
	return kind{"listener", "listener", "LISTENER", "listenerIdentifier"}
}
func ruleKind() kind { return kind{"rule", "rule", "RULE", "ruleIdentifier"} }
func targetGroupKind() kind {
	return kind{"tg", "targetgroup", "TARGET_GROUP", "targetGroupIdentifier"}
}
func serviceAssociationKind() kind {
	return kind{"snsa", "servicenetworkserviceassociation", "SERVICE_NETWORK_SERVICE_ASSOCIATION", "serviceNetworkServiceAssociationIdentifier"}
}

// called is the kind under another name of the member that identifies it.
func (k kind) called(field string) kind {
	k.field = field
	return k
}

// idDigits is the number of characters after the hyphen of an id.
const idDigits = 17

// valid tells whether id has the form of the kind's ids.
func (k kind) valid(id string) bool {
	rest, ok := strings.CutPrefix(id, k.prefix+"-")
	return ok && len(rest) == idDigits && strings.Trim(rest, "0123456789abcdefghijklmnopqrstuvwxyz") == ""
}

// arn is the ARN of the resource of this kind.
func (k kind) arn(m world.Meta, id string) string {
	return world.ARN("vpc-lattice", m.Region, m.Account, k.path+"/"+id)
}

// id reads an identifier, which is an id or an ARN. An ARN of another account or region names nothing here.
func (k kind) id(c world.Caller, identifier *string) (string, error) {
	text := value(identifier)
	if text == "" {
		return "", invalidField(k.field, "must not be empty")
	}
	if !strings.HasPrefix(text, "arn:") {
		if !k.valid(text) {
			return "", invalidField(k.field, "'"+text+"' is no identifier of the form "+k.prefix+"-… and no ARN")
		}
		return text, nil
	}
	region, account, resource, ok := parseARN(text)
	path, id, _ := strings.Cut(resource, "/")
	if !ok || path != k.path || !k.valid(id) {
		return "", invalidField(k.field, "'"+text+"' is no ARN of the form arn:aws:vpc-lattice:REGION:ACCOUNT:"+k.path+"/"+k.prefix+"-…")
	}
	if region != c.Region || account != c.Account {
		return "", awserr.LatticeNotFound(k.noun, text)
	}
	return id, nil
}

// parseARN takes the ARN of a Lattice resource apart.
func parseARN(arn string) (region string, account world.AccountID, resource string, ok bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "vpc-lattice" {
		return "", "", "", false
	}
	return parts[3], world.AccountID(parts[4]), parts[5], true
}

// row is a row with an owner.
type row interface {
	world.Row
	OwnedBy(world.Caller) bool
}

// visible tells whether the caller may know of the row. It is the one place where sharing between accounts will count.
func visible(c world.Caller, r row) bool { return r.OwnedBy(c) }

// find is the row of table t that the identifier names.
func find[K ~string, R row](t *world.Table[K, R], c world.Caller, k kind, identifier *string) (R, error) {
	var none R
	id, err := k.id(c, identifier)
	if err != nil {
		return none, err
	}
	r, ok := t.Get(K(id))
	if !ok || !visible(c, r) {
		return none, awserr.LatticeNotFound(k.noun, value(identifier))
	}
	return r, nil
}

// owned are the rows of table t that the caller may know of.
func owned[K ~string, R row](t *world.Table[K, R], c world.Caller, keep func(R) bool) []R {
	return t.Where(func(r R) bool { return visible(c, r) && keep(r) })
}

// filterID is the id that a list is filtered by: ok is false when nothing can match.
func filterID(c world.Caller, k kind, identifier *string) (id string, ok bool, err error) {
	if identifier == nil {
		return "", true, nil
	}
	id, err = k.id(c, identifier)
	if err, is := err.(*awserr.Error); is && err.Status == 404 {
		return "", false, nil
	}
	return id, err == nil, err
}
