package world

import "testing"

func TestZoneIDsFollowRegionNames(t *testing.T) {
	for zone, want := range map[string]string{
		"us-east-1f": "use1-az6", "ap-southeast-2a": "apse2-az1", "us-gov-west-1b": "usgw1-az2", "il-central-1c": "ilc1-az3",
		"ap-northeast-1a": "apne1-az4", "cn-northwest-1a": "cnnw1-az1", "eu-south-2b": "eus2-az2", "us-east-2f": "",
	} {
		if got := ZoneID(zone[:len(zone)-1], zone); got != want {
			t.Errorf("ZoneID(%s) = %q, want %q", zone, got, want)
		}
	}
	for _, r := range Regions() {
		if n := len(Zones(r.Name)); n < 3 {
			t.Errorf("%s has %d zones", r.Name, n)
		}
	}
}
