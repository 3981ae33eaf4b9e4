package imds

import (
	"encoding/json"
	"strings"
	"time"

	"kumiko/internal/world"
)

// identityDocument is who the instance is, its members in the order of their names.
// (Amazon EC2 User Guide, "Instance identity documents".)
type identityDocument struct {
	AccountID               world.AccountID  `json:"accountId"`
	Architecture            string           `json:"architecture"`
	AvailabilityZone        string           `json:"availabilityZone"`
	BillingProducts         []string         `json:"billingProducts"`
	DevpayProductCodes      []string         `json:"devpayProductCodes"`
	MarketplaceProductCodes []string         `json:"marketplaceProductCodes"`
	ImageID                 string           `json:"imageId"`
	InstanceID              world.InstanceID `json:"instanceId"`
	InstanceType            string           `json:"instanceType"`
	KernelID                *string          `json:"kernelId"`
	PendingTime             string           `json:"pendingTime"`
	PrivateIP               string           `json:"privateIp"`
	RamdiskID               *string          `json:"ramdiskId"`
	Region                  string           `json:"region"`
	Version                 string           `json:"version"`
}

// document is the instance identity document. It comes without the signatures of AWS, which nobody else can make.
func document(v *view, i world.Instance, enis []world.ENI) *node {
	return &node{name: "document", value: func() ([]byte, bool) {
		subnet, _ := v.world.Subnets.Get(i.Subnet)
		d := identityDocument{
			AccountID: i.Account, Architecture: architecture(i.Type), AvailabilityZone: subnet.Zone, ImageID: i.Image,
			InstanceID: i.ID, InstanceType: i.Type, PendingTime: i.Launched.UTC().Format(time.RFC3339), Region: i.Region,
			Version: "2017-09-30",
		}
		if len(enis) > 0 {
			d.PrivateIP = enis[0].Addr().String()
		}
		b, err := json.MarshalIndent(d, "", "  ")
		return b, err == nil
	}}
}

// architecture is that of an instance type: Graviton families have a g behind their generation, as t4g and c7gn.
func architecture(instanceType string) string {
	family, _, _ := strings.Cut(instanceType, ".")
	if family == "a1" || strings.Contains(strings.TrimLeft(family, "abcdefghijklmnopqrstuvwxyz"), "g") {
		return "arm64"
	}
	return "x86_64"
}
