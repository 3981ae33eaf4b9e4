package world

// hostedZone checks that no VPC has two private zones of one name.
func (c *checker) hostedZone(id HostedZoneID) error {
	z, _ := c.w.HostedZones.Get(id)
	if !z.Private {
		return nil
	}
	if len(z.VPCs) == 0 {
		return broken("hosted-zone", string(id), "a private zone has a VPC")
	}
	for o := range c.w.HostedZones.All() {
		if o.ID == id || o.Name != z.Name || !o.Private {
			continue
		}
		for _, a := range z.VPCs {
			if o.In(a.VPC) {
				return clash("hosted-zone", string(id), string(o.ID), "both are associated with "+string(a.VPC))
			}
		}
	}
	return nil
}
