package world

import "strings"

// Zone is an availability zone: the name an account sees and the id that means the same place for every account.
type Zone struct {
	Name string // e.g. us-east-1a
	ID   string // e.g. use1-az1
}

// Zones are the availability zones of a region, by name. Any region name has zones: three, named a, b and c, unless
// AWS is known to give new accounts others. (AWS "Regions and Availability Zones"; AWS RAM User Guide, "Availability
// Zone IDs".)
func Zones(region string) []Zone {
	letters, numbers := "abc", "123"
	switch region {
	case "us-east-1":
		letters, numbers = "abcdef", "123456"
	case "us-west-2", "ap-northeast-2":
		letters, numbers = "abcd", "1234"
	case "ap-northeast-1":
		letters, numbers = "acd", "412"
	case "ca-central-1":
		letters, numbers = "abd", "124"
	}
	code := zoneCode(region)
	out := make([]Zone, len(letters))
	for i := range letters {
		out[i] = Zone{Name: region + letters[i:i+1], ID: code + "-az" + numbers[i:i+1]}
	}
	return out
}

// ZoneID is the id of the zone with the given name in a region, or empty when the region has no such zone.
func ZoneID(region, zone string) string {
	for _, z := range Zones(region) {
		if z.Name == zone {
			return z.ID
		}
	}
	return ""
}

// zoneCode shortens a region name as zone ids do: the country, the initials of the direction and the number, so
// that ap-southeast-2 is apse2 and us-gov-west-1 is usgw1.
func zoneCode(region string) string {
	initials := strings.NewReplacer("north", "n", "south", "s", "east", "e", "west", "w", "central", "c", "gov", "g")
	return strings.ReplaceAll(initials.Replace(region), "-", "")
}
