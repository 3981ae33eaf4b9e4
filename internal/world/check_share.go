package world

// shareAssociation checks that what is associated with a share is, if it is a resource, the share's owner's.
func (c *checker) shareAssociation(id string) error {
	a, _ := c.w.ShareAssociations.Get(id)
	s, ok := c.w.ResourceShares.Get(a.Share)
	switch {
	case !ok:
		return missing("resource-share", string(a.Share))
	case !a.Live():
		return nil
	case !s.Ended.IsZero():
		return broken("resource-share-association", a.Entity, "its share was deleted")
	case a.Principal:
		return nil
	}
	if _, m, ok := c.w.Shareable(a.Entity); !ok || m.Account != s.Account || m.Region != s.Region {
		return missing("resource", a.Entity)
	}
	return nil
}

// shareInvitation checks that an invitation is to a share that is there.
func (c *checker) shareInvitation(id ShareInvitationID) error {
	i, _ := c.w.ShareInvitations.Get(id)
	if !c.w.ResourceShares.Has(i.Share) {
		return missing("resource-share", string(i.Share))
	}
	return nil
}
