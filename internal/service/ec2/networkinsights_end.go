package ec2

import (
	"cmp"
	"regexp"
	"strings"

	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// accountForm is what the numbers of accounts look like. (AWS Account Management Reference Guide, "AWS account
// identifiers".)
var accountForm = regexp.MustCompile(`^[0-9]{12}$`)

// insightsEnd is the id of an end of a path, given by id or ARN. What kinds of ends AWS has beside ours is refused.
func insightsEnd(c world.Caller, parameter, given string) (string, error) {
	id, err := endID(c, parameter, given)
	if err != nil {
		return "", err
	}
	prefix, _, _ := strings.Cut(id, "-")
	switch prefix {
	case "i":
		return id, awserr.EC2CheckID("instance", id)
	case "eni":
		return id, awserr.EC2CheckID("network-interface", id)
	case "igw":
		return id, awserr.EC2CheckID("internet-gateway", id)
	case "vpce":
		return id, awserr.EC2CheckID("vpc-endpoint", id)
	case "pcx", "tgw", "vgw":
		return id, unsupported(parameter + " of this type (" + prefix + ")")
	}
	return id, awserr.EC2InvalidParameter(parameter, given, "It is not the ID or ARN of a supported resource.")
}

// endID is the id in an ARN, which must be one of EC2 in the caller's region; anything else is an id itself.
func endID(c world.Caller, parameter, given string) (string, error) {
	if !strings.HasPrefix(given, "arn:") {
		return given, nil
	}
	parts := strings.SplitN(given, ":", 6)
	if len(parts) == 6 && parts[2] == "ec2" && parts[3] == c.Region && accountForm.MatchString(parts[4]) {
		kind, id, ok := strings.Cut(parts[5], "/")
		if ok && kind != "" && kind == resourceKind(id) {
			return id, nil
		}
	}
	return "", awserr.EC2InvalidParameter(parameter, given, "It is not the ARN of a supported resource in this region.")
}

// endExists checks that the end of a path is there, if it is the caller's: only ARNs name what belongs to others, of
// whom nothing is told before an analysis that may know them.
func endExists(tx *world.Tx, c world.Caller, given string) error {
	if owner := arnAccount(given); given == "" || owner != "" && owner != c.Account {
		return nil
	}
	var err error
	id := given[strings.LastIndexByte(given, '/')+1:]
	switch prefix, _, _ := strings.Cut(id, "-"); prefix {
	case "i":
		_, err = find(&tx.Instances, c, "instance", &id)
	case "eni":
		_, err = find(&tx.ENIs, c, "network-interface", &id)
	case "vpce":
		_, err = find(&tx.Endpoints, c, "vpc-endpoint", &id)
	default:
		_, err = find(&tx.InternetGateways, c, "internet-gateway", &id)
	}
	return err
}

// endARN is the ARN of an end of a path with m, which belongs to owner or, without one, to the path's account.
func endARN(m world.Meta, owner world.AccountID, id string) string {
	return world.ARN("ec2", m.Region, cmp.Or(owner, m.Account), resourceKind(id)+"/"+id)
}
