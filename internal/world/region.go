package world

import (
	"net/netip"
	"strings"
)

// Region is a region of AWS.
type Region struct {
	Name  string // e.g. eu-central-1
	Title string // e.g. Europe (Frankfurt)
	OptIn bool   // an account must ask for it first
}

// Regions are the regions of the aws partition, by name. (AWS Account Management Reference Guide, "Regions".)
func Regions() []Region {
	return []Region{
		{"af-south-1", "Africa (Cape Town)", true},
		{"ap-east-1", "Asia Pacific (Hong Kong)", true},
		{"ap-east-2", "Asia Pacific (Taipei)", true},
		{"ap-northeast-1", "Asia Pacific (Tokyo)", false},
		{"ap-northeast-2", "Asia Pacific (Seoul)", false},
		{"ap-northeast-3", "Asia Pacific (Osaka)", false},
		{"ap-south-1", "Asia Pacific (Mumbai)", false},
		{"ap-south-2", "Asia Pacific (Hyderabad)", true},
		{"ap-southeast-1", "Asia Pacific (Singapore)", false},
		{"ap-southeast-2", "Asia Pacific (Sydney)", false},
		{"ap-southeast-3", "Asia Pacific (Jakarta)", true},
		{"ap-southeast-4", "Asia Pacific (Melbourne)", true},
		{"ap-southeast-5", "Asia Pacific (Malaysia)", true},
		{"ap-southeast-6", "Asia Pacific (New Zealand)", true},
		{"ap-southeast-7", "Asia Pacific (Thailand)", true},
		{"ca-central-1", "Canada (Central)", false},
		{"ca-west-1", "Canada West (Calgary)", true},
		{"eu-central-1", "Europe (Frankfurt)", false},
		{"eu-central-2", "Europe (Zurich)", true},
		{"eu-north-1", "Europe (Stockholm)", false},
		{"eu-south-1", "Europe (Milan)", true},
		{"eu-south-2", "Europe (Spain)", true},
		{"eu-west-1", "Europe (Ireland)", false},
		{"eu-west-2", "Europe (London)", false},
		{"eu-west-3", "Europe (Paris)", false},
		{"il-central-1", "Israel (Tel Aviv)", true},
		{"me-central-1", "Middle East (UAE)", true},
		{"me-south-1", "Middle East (Bahrain)", true},
		{"mx-central-1", "Mexico (Central)", true},
		{"sa-east-1", "South America (Sao Paulo)", false},
		{"us-east-1", "US East (N. Virginia)", false},
		{"us-east-2", "US East (Ohio)", false},
		{"us-west-1", "US West (N. California)", false},
		{"us-west-2", "US West (Oregon)", false},
	}
}

// PublicName is the public DNS name that EC2 derives from a public IPv4 address:
// ec2-192-0-2-5.compute-1.amazonaws.com in us-east-1, ec2-192-0-2-5.REGION.compute.amazonaws.com elsewhere.
// (Amazon EC2 User Guide, "EC2 instance hostnames and domains".)
func PublicName(a netip.Addr, region string) string {
	domain := region + ".compute.amazonaws.com"
	if region == "us-east-1" {
		domain = "compute-1.amazonaws.com"
	}
	return "ec2-" + strings.ReplaceAll(a.String(), ".", "-") + "." + domain
}
