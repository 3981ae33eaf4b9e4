package world

// LatticeResourceZone is the public zone of the names of resource associations in a region. The label before it is
// the same for every account and region. (Seen in VPC Lattice's answers.)
func LatticeResourceZone(region string) string {
	return "4232ccc.vpc-lattice-rsc." + region + ".on.aws"
}

// LatticeResourceZoneID is the Route 53 hosted zone id AWS gives beside names of LatticeResourceZone.
// The zone belongs to AWS: no account sees it among its own.
const LatticeResourceZoneID = "Z08285483B41F6ASEM5U1"

// DNSName is the name the association's resource has in the VPCs of its service network.
func (a ResourceAssociation) DNSName() string {
	return string(a.ID) + "." + string(a.Configuration) + "." + LatticeResourceZone(a.Region)
}
