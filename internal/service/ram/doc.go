// Package ram does the operations of AWS Resource Access Manager: shares of resources, the accounts they are shared with, and their
// invitations. What sharing gives is no business of this package: it writes rows, and services ask the World's one rule,
// [world.World.Grants].
//
// Accounts here belong to no organization, so every account but the owner's is an external one and is invited.
package ram
