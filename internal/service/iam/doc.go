// Package iam does the operations of AWS Identity and Access Management: users, groups, roles, their policies, instance
// profiles and access keys, all rows of the World. What policies mean is for packages policy and guard; this one checks
// and keeps them.
package iam
