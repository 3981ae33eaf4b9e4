package world

import "slices"

// putIAM checks rows of IAM.
func (c *checker) putIAM(noun, id string) error {
	switch noun {
	case "access-key":
		return c.accessKey(AccessKeyID(id))
	case "iam-user":
		return c.user(id)
	case "iam-group":
		return c.iamGroup(id)
	case "iam-role":
		return c.role(id)
	case "iam-policy":
		return c.policy(id)
	case "instance-profile":
		return c.profile(id)
	}
	return nil
}

// identity checks what a user, group or role refers to.
func (c *checker) identity(noun string, i Identity) error {
	if i.Account == "" || i.Name == "" || i.ID == "" {
		return broken(noun, i.RowID(), "it has no name")
	}
	for _, arn := range append(slices.Clone(i.Attached), i.Boundary) {
		if arn == "" || isOfAWS(arn) {
			continue
		}
		if _, ok := c.w.PolicyByARN(arn); !ok {
			return missing("iam-policy", arn)
		}
	}
	return nil
}

// isOfAWS tells whether an ARN is that of a policy which AWS keeps for everyone.
func isOfAWS(arn string) bool {
	const prefix = "arn:aws:iam::aws:policy/"
	return len(arn) > len(prefix) && arn[:len(prefix)] == prefix
}

func (c *checker) user(id string) error {
	u, _ := c.w.Users.Get(id)
	if len(c.w.GroupsOf(u)) != len(u.Groups) {
		return missing("iam-group", u.Name)
	}
	return c.identity("iam-user", u.Identity)
}

func (c *checker) iamGroup(id string) error {
	g, _ := c.w.Groups.Get(id)
	return c.identity("iam-group", g.Identity)
}

func (c *checker) role(id string) error {
	r, _ := c.w.Roles.Get(id)
	if r.Trust == "" {
		return broken("iam-role", r.Name, "nobody is trusted")
	}
	return c.identity("iam-role", r.Identity)
}

func (c *checker) profile(id string) error {
	p, _ := c.w.InstanceProfiles.Get(id)
	if p.Role != "" && !c.w.Roles.Has(IAMKey(p.Account, p.Role)) {
		return missing("iam-role", p.Role)
	}
	return nil
}

func (c *checker) policy(id string) error {
	p, _ := c.w.ManagedPolicies.Get(id)
	if _, ok := p.Version(p.Default); !ok {
		return broken("iam-policy", p.Name, "the version in force does not exist")
	}
	return nil
}

func (c *checker) accessKey(id AccessKeyID) error {
	k, _ := c.w.AccessKeys.Get(id)
	if !c.w.Accounts.Has(k.Account) {
		return missing("account", string(k.Account))
	}
	if k.User != "" && !c.userWithID(k.Account, k.User) {
		return missing("iam-user", k.User)
	}
	return nil
}

func (c *checker) userWithID(a AccountID, id string) bool {
	for u := range c.w.Users.Prefix(string(a) + "/") {
		if u.ID == id {
			return true
		}
	}
	return false
}

// orphans checks that nothing refers to something of IAM that is gone.
func (c *checker) orphans(noun string) error {
	w := c.w
	switch noun {
	case "iam-user":
		for k := range w.AccessKeys.All() {
			if k.User != "" && !c.userWithID(k.Account, k.User) {
				return &Error{Kind: InUse, Noun: noun, ID: k.User, By: "access-key"}
			}
		}
	case "iam-group":
		for u := range w.Users.All() {
			if len(w.GroupsOf(u)) != len(u.Groups) {
				return &Error{Kind: InUse, Noun: noun, ID: u.Name, By: "iam-user"}
			}
		}
	case "iam-role":
		for p := range w.InstanceProfiles.All() {
			if c.profile(p.RowID()) != nil {
				return &Error{Kind: InUse, Noun: noun, ID: p.Role, By: "instance-profile"}
			}
		}
	case "iam-policy":
		for a := range w.Accounts.All() {
			for _, i := range w.Identities(a.ID) {
				if c.identity(noun, i) != nil {
					return &Error{Kind: InUse, Noun: noun, ID: i.Name, By: "iam-identity"}
				}
			}
		}
	}
	return nil
}
