package iam

import (
	"errors"
	"net/url"
	"strings"

	"kumiko/internal/awserr"
	"kumiko/internal/guard"
	"kumiko/internal/policy"
	"kumiko/internal/world"
)

// Sizes of documents, in characters that are no white space. (IAM User Guide, "IAM and AWS STS quotas".)
const (
	maxManaged = 6144
	maxTrust   = 4096
)

// encoded is a document as IAM tells it: percent-encoded. (RFC 3986.)
func encoded(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

// size is the number of characters that count.
func size(document string) int { return len(strings.Join(strings.Fields(document), "")) }

// malformed is the answer to a document that is not accepted.
func malformed(err error) error {
	var bad *policy.Error
	if errors.As(err, &bad) {
		return awserr.IAMMalformed("%s", bad.Text)
	}
	return err
}

// identityDocument checks a document that is to be a policy of an identity.
func identityDocument(text *string) error {
	_, err := policy.Parse(val(text), policy.Identity)
	return malformed(err)
}

// trust checks a document that says who may assume a role. Users and roles it names must exist; which ones they are is
// remembered, so that others of the same names later do not inherit the trust.
func trust(w *world.World, text string) ([]world.Pin, error) {
	d, err := policy.Parse(text, policy.Trust)
	if err != nil {
		return nil, malformed(err)
	}
	if size(text) > maxTrust {
		return nil, awserr.IAMLimit("Cannot exceed quota for ACLSizePerRole: %d", maxTrust)
	}
	var pins []world.Pin
	for _, s := range d.Statements {
		for _, a := range s.Principals.AWS {
			id, ok := unique(w, a)
			if !ok {
				return nil, awserr.IAMMalformed(`Invalid principal in policy: "AWS":"%s"`, a)
			}
			if id != "" {
				pins = append(pins, world.Pin{ARN: a, ID: id})
			}
		}
	}
	return pins, nil
}

// unique is the unique id of the user or role with an ARN; it fails if there is none. Other principals have no id to
// remember.
func unique(w *world.World, arn string) (string, bool) {
	switch {
	case strings.Contains(arn, ":role/"):
		r, ok := guard.RoleByARN(w, arn)
		return r.ID, ok
	case strings.Contains(arn, ":user/"):
		u, ok := w.Users.Get(world.IAMKey(world.AccountID(policy.AccountOf(arn)), arn[strings.LastIndex(arn, "/")+1:]))
		return u.ID, ok && u.ARN() == arn
	}
	return "", true
}
