package lattice

import (
	"strings"

	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// kind is a kind of resource with the words its ids, ARNs and errors are made of.
type kind struct {
	prefix    string // of ids, without the hyphen
	path      string // before the id in ARNs
	noun      string // resourceType in errors
	field     string // name of the member that identifies one in requests
	action    string // what is to be done with it
	shareable bool   // with other accounts
}

// The kinds of resource. (VPC Lattice API Reference, the identifiers' patterns.)
func networkKind() kind {
	return kind{prefix: "sn", path: "servicenetwork", noun: "SERVICE_NETWORK", field: "serviceNetworkIdentifier", shareable: true}
}
func vpcAssociationKind() kind {
	return kind{prefix: "snva", path: "servicenetworkvpcassociation", noun: "SERVICE_NETWORK_VPC_ASSOCIATION", field: "serviceNetworkVpcAssociationIdentifier"}
}
func resourceAssociationKind() kind {
	return kind{prefix: "snra", path: "servicenetworkresourceassociation", noun: "SERVICE_NETWORK_RESOURCE_ASSOCIATION", field: "serviceNetworkResourceAssociationIdentifier"}
}
func gatewayKind() kind {
	return kind{prefix: "rgw", path: "resourcegateway", noun: "RESOURCE_GATEWAY", field: "resourceGatewayIdentifier"}
}
func configurationKind() kind {
	return kind{prefix: "rcfg", path: "resourceconfiguration", noun: "RESOURCE_CONFIGURATION", field: "resourceConfigurationIdentifier", shareable: true}
}
func subscriptionKind() kind {
	return kind{prefix: "als", path: "accesslogsubscription", noun: "ACCESS_LOG_SUBSCRIPTION", field: "accessLogSubscriptionIdentifier"}
}

func serviceKind() kind {
	return kind{prefix: "svc", path: "service", noun: "SERVICE", field: "serviceIdentifier"}
}
func listenerKind() kind {
	return kind{prefix: "listener", path: "listener", noun: "LISTENER", field: "listenerIdentifier"}
}
func ruleKind() kind {
	return kind{prefix: "rule", path: "rule", noun: "RULE", field: "ruleIdentifier"}
}
func targetGroupKind() kind {
	return kind{prefix: "tg", path: "targetgroup", noun: "TARGET_GROUP", field: "targetGroupIdentifier"}
}
func serviceAssociationKind() kind {
	return kind{prefix: "snsa", path: "servicenetworkserviceassociation", noun: "SERVICE_NETWORK_SERVICE_ASSOCIATION", field: "serviceNetworkServiceAssociationIdentifier"}
}

// called is the kind under another name of the member that identifies it.
func (k kind) called(field string) kind {
	k.field = field
	return k
}

// to is the kind with what is to be done with one, which those it is shared with may be allowed to do.
func (k kind) to(action string) kind {
	k.action = action
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

// id reads an identifier, which is an id or an ARN. An ARN of another region names nothing here, nor does one of another
// account, unless resources of the kind can be shared.
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
	if region != c.Region || account != c.Account && !k.shareable {
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
	Stamp() world.Meta
}

// find is the row of table t that the identifier names: one of the caller's or, if it is named by its ARN, one that is shared with
// the caller so that it may do the kind's action.
func find[K ~string, R row](w *world.World, t *world.Table[K, R], c world.Caller, k kind, identifier *string) (R, error) {
	var none R
	id, err := k.id(c, identifier)
	if err != nil {
		return none, err
	}
	r, ok := t.Get(K(id))
	arn := k.arn(r.Stamp(), id)
	switch named := strings.HasPrefix(*identifier, "arn:"); {
	case !ok || named && *identifier != arn:
	case r.OwnedBy(c), named && w.Grants(c, arn, "vpc-lattice:"+k.action):
		return r, nil
	case named && w.SharedWith(c.Account, arn):
		return none, denied(c, k, arn)
	}
	return none, awserr.LatticeNotFound(k.noun, value(identifier))
}

// denied says that sharing does not go so far.
func denied(c world.Caller, k kind, arn string) error {
	return awserr.LatticeAccessDenied("User: %s is not authorized to perform: vpc-lattice:%s on resource: %s because no resource-based policy allows the vpc-lattice:%s action",
		c.ARN, k.action, arn, k.action)
}

// association is a row that both of its sides know.
type association interface {
	row
	world.Joining
}

// findAssociation is the association that the identifier names. Its ARN has the account of whoever looks at it.
func findAssociation[K ~string, R association](w *world.World, t *world.Table[K, R], c world.Caller, k kind, identifier *string) (R, error) {
	id, err := k.id(c, identifier)
	r, ok := t.Get(K(id))
	if err == nil && (!ok || r.Stamp().Region != c.Region || !w.Sees(c, r)) {
		err = awserr.LatticeNotFound(k.noun, value(identifier))
	}
	return r, err
}

// seenARN is the ARN of an association for the caller.
func seenARN(c world.Caller, k kind, id string) string {
	return k.arn(world.Meta{Account: c.Account, Region: c.Region}, id)
}

// owned are the caller's rows of table t.
func owned[K ~string, R row](t *world.Table[K, R], c world.Caller, keep func(R) bool) []R {
	return t.Where(func(r R) bool { return r.OwnedBy(c) && keep(r) })
}

// shown are the rows of table t that the caller owns, and those that are shared with it so that it may do the kind's action.
func shown[K ~string, R row](w *world.World, t *world.Table[K, R], c world.Caller, k kind) []R {
	return t.Where(func(r R) bool {
		return r.OwnedBy(c) || w.Grants(c, k.arn(r.Stamp(), r.RowID()), "vpc-lattice:"+k.action)
	})
}

// filterID is the id that a list is filtered by: ok is false when nothing can match. Whose it is, is for the list to look at.
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

// named tells whether a filter that is an ARN is that of the row with the id it has.
func named(filter *string, arn string) bool {
	return !strings.HasPrefix(value(filter), "arn:") || *filter == arn
}
