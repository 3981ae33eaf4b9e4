package ec2

import (
	"slices"
	"strings"
	"unicode/utf8"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// Limits of tags. (Amazon EC2 User Guide, "Tag restrictions".)
const (
	maxTagKey   = 128
	maxTagValue = 256
)

// specTags are the tags of a request by type of resource. The types are those the operation makes; the first is usual.
func specTags(specs []ec2api.TagSpecification, types ...string) (map[string][]world.Tag, error) {
	out := map[string][]world.Tag{}
	for _, s := range specs {
		t := val(s.ResourceType)
		if t == "" {
			return nil, awserr.EC2InvalidValue("Tag specification resource type must have a value")
		}
		if !slices.Contains(types, t) {
			return nil, awserr.EC2InvalidValue("'" + t + "' is not a valid taggable resource type for this operation.")
		}
		if len(s.Tags) == 0 {
			return nil, awserr.EC2InvalidValue("Tag specification must have at least one tag")
		}
		for _, tag := range s.Tags {
			out[t] = append(out[t], world.Tag{Key: val(tag.Key), Value: val(tag.Value)})
		}
	}
	for _, ts := range out {
		if err := checkTags(ts); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// oneSpec are the tags of a request that makes one type of resource.
func oneSpec(specs []ec2api.TagSpecification, kind string) ([]world.Tag, error) {
	all, err := specTags(specs, kind)
	return all[kind], err
}

// checkTags checks the tags of a request: lengths, reserved keys, keys given twice, and how many there are.
func checkTags(ts []world.Tag) error {
	seen := map[string]bool{}
	for _, t := range ts {
		switch n := utf8.RuneCountInString(t.Key); {
		case n == 0:
			return awserr.EC2InvalidValue("Tag key must not be empty")
		case n > maxTagKey:
			return awserr.EC2InvalidValue("Tag key exceeds the maximum length of 128 characters")
		case utf8.RuneCountInString(t.Value) > maxTagValue:
			return awserr.EC2InvalidValue("Tag value exceeds the maximum length of 256 characters")
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return awserr.EC2InvalidValue("Tag keys starting with 'aws:' are reserved for internal use")
		case seen[t.Key]:
			return awserr.EC2InvalidValue("Duplicate tag key '" + t.Key + "' specified.")
		}
		seen[t.Key] = true
	}
	if len(ts) > maxTags {
		return tooManyTags()
	}
	return nil
}

func tooManyTags() error {
	return awserr.EC2Limit("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
}
