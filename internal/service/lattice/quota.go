package lattice

import "kumiko/internal/awserr"

// quota is a limit that an account meets. (VPC Lattice User Guide, "Quotas for Amazon VPC Lattice".)
type quota struct {
	most int
	noun string
	code string
	text string
}

func networksPerRegion() quota {
	return quota{50, "SERVICE_NETWORK", "L-9CAD07FB", "service networks per Region"}
}
func vpcsPerNetwork() quota {
	return quota{500, "SERVICE_NETWORK_VPC_ASSOCIATION", "L-EF6E2D62", "VPC associations per service network"}
}
func resourcesPerNetwork() quota {
	return quota{500, "SERVICE_NETWORK_RESOURCE_ASSOCIATION", "L-6095700C", "resource configurations per service network"}
}
func configurationsPerRegion() quota {
	return quota{2000, "RESOURCE_CONFIGURATION", "L-5FF8F9B9", "resource configurations per Region"}
}
func childrenPerGroup() quota {
	return quota{60, "RESOURCE_CONFIGURATION", "L-9BC96FEF", "child resource configurations per group"}
}
func gatewaysPerVPC() quota {
	return quota{500, "RESOURCE_GATEWAY", "L-0DCA4434", "resource gateways per VPC"}
}

func servicesPerRegion() quota {
	return quota{2000, "SERVICE", "L-620C821E", "services per Region"}
}
func listenersPerService() quota {
	return quota{2, "LISTENER", "L-D64E952E", "listeners per service"}
}
func rulesPerListener() quota {
	return quota{10, "RULE", "L-CF78395E", "rules per listener"}
}
func targetGroupsPerRegion() quota {
	return quota{500, "TARGET_GROUP", "L-BB11C6B9", "target groups per Region"}
}
func groupsPerService() quota {
	return quota{10, "TARGET_GROUP", "L-3DEC3B9F", "target groups per service"}
}
func targetsPerGroup() quota {
	return quota{1000, "TARGET", "L-D71303F3", "targets per target group"}
}
func servicesPerNetwork() quota {
	return quota{500, "SERVICE_NETWORK_SERVICE_ASSOCIATION", "L-75D4A19E", "service associations per service network"}
}

// leaves is an error when there are already as many as the quota allows.
func (q quota) leaves(have int) error {
	if have < q.most {
		return nil
	}
	return awserr.LatticeQuota(q.noun, q.code, "The quota of %d %s is used up.", q.most, q.text)
}
