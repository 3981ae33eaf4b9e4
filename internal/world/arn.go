package world

import "strings"

// Partition is the partition of AWS that a region belongs to. (AWS General Reference, "Amazon Resource Names".)
func Partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// ARN is the Amazon Resource Name of a resource of a service, e.g. ARN("ec2", "us-east-1", "000000000000", "vpc/vpc-1").
func ARN(service, region string, account AccountID, resource string) string {
	return "arn:" + Partition(region) + ":" + service + ":" + region + ":" + string(account) + ":" + resource
}

// OwnedBy tells whether the row belongs to the caller's account and lies in the region the caller talks to.
func (m Meta) OwnedBy(c Caller) bool { return m.Account == c.Account && m.Region == c.Region }

// Stamp is the Meta of a row, for those who see no more of it.
func (m Meta) Stamp() Meta { return m }
