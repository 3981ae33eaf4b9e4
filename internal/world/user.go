package world

import "slices"

// User is a user of IAM.
type User struct {
	Identity
	Groups []string `json:",omitempty"` // ids
}

// ARN is the user's ARN.
func (u User) ARN() string { return IAMARN(u.Account, "user", u.Path, u.Name) }

// Group is a group of users.
type Group struct{ Identity }

// ARN is the group's ARN.
func (g Group) ARN() string { return IAMARN(g.Account, "group", g.Path, g.Name) }

// Members are the users in a group.
func (w *World) Members(g Group) []User {
	return w.Users.Where(func(u User) bool { return u.Account == g.Account && slices.Contains(u.Groups, g.ID) })
}

// GroupsOf are the groups a user is in.
func (w *World) GroupsOf(u User) []Group {
	if len(u.Groups) == 0 {
		return nil
	}
	var out []Group
	for g := range w.Groups.Prefix(string(u.Account) + "/") {
		if slices.Contains(u.Groups, g.ID) {
			out = append(out, g)
		}
	}
	return out
}
