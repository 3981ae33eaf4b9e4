package lattice

import (
	"fmt"
	"slices"
	"strings"

	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// checkName holds the rules of names: lower case letters, digits and single inner hyphens, not the prefix of an id.
// (VPC Lattice API Reference, the names' patterns.)
func checkName(k kind, name *string, longest int) (string, error) {
	n := value(name)
	switch {
	case len(n) < 3 || len(n) > longest,
		strings.Trim(n, "abcdefghijklmnopqrstuvwxyz0123456789-") != "",
		n[0] == '-', n[len(n)-1] == '-', strings.Contains(n, "--"),
		k.prefix != "sn" && strings.HasPrefix(n, k.prefix+"-"):
		return "", invalidField("name", fmt.Sprintf("'%s' is not valid: names are 3 to %d lower case letters, digits and single inner hyphens and do not begin like ids", n, longest))
	}
	return n, nil
}

// taken says that the name is another resource's.
func taken(k kind, id, name string) error {
	return awserr.LatticeConflict(k.noun, id, "%s with name %s already exists", k.noun, name)
}

// maxGroups is how many security groups an association or a gateway can have. (VPC Lattice User Guide, quotas.)
const maxGroups = 5

// checkGroups reads the ids of security groups of a VPC.
func checkGroups(w *world.World, c world.Caller, vpc world.VPCID, ids []string) ([]world.SecurityGroupID, error) {
	if len(ids) > maxGroups {
		return nil, invalidField("securityGroupIds", "at most 5 security groups are possible")
	}
	var out []world.SecurityGroupID
	for _, text := range ids {
		id := world.SecurityGroupID(text)
		g, ok := w.SecurityGroups.Get(id)
		switch {
		case !ok || !g.OwnedBy(c):
			return nil, awserr.LatticeNotFound("SECURITY_GROUP", text)
		case g.VPC != vpc:
			return nil, awserr.LatticeValidation("Security group %s does not belong to VPC %s.", text, vpc)
		case slices.Contains(out, id):
			return nil, invalidField("securityGroupIds", "'"+text+"' is given twice")
		}
		out = append(out, id)
	}
	return out, nil
}

// findVPC is the VPC the caller means.
func findVPC(w *world.World, c world.Caller, id *string) (world.VPC, error) {
	if value(id) == "" {
		return world.VPC{}, invalidField("vpcIdentifier", "must not be empty")
	}
	v, ok := w.VPCs.Get(world.VPCID(*id))
	if !ok || !v.OwnedBy(c) || v.Deleting {
		return world.VPC{}, awserr.LatticeNotFound("VPC", *id)
	}
	return v, nil
}

// The limits of tags. (VPC Lattice API Reference, TagMap.)
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

func checkTags(tags []world.Tag) error {
	if len(tags) > maxTags {
		return invalidField("tags", "at most 50 tags are possible")
	}
	for _, t := range tags {
		switch n := len([]rune(t.Key)); {
		case n == 0 || n > maxTagKey:
			return invalidField("tags", "a key has 1 to 128 characters")
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return invalidField("tags", "keys beginning with aws: are AWS's own")
		case len([]rune(t.Value)) > maxTagValue:
			return invalidField("tags", "a value has at most 256 characters")
		}
	}
	return nil
}
