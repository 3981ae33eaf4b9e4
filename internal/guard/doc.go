// Package guard says who may do what through the APIs.
//
// It turns a request into questions for package policy: which action the operation is, which resources it is about – told from
// its input – and which condition keys hold, and it gathers the policies that apply: those of the principal in the World, the
// trust policy of a role to be assumed, the policy of the VPC endpoint the request came through. Every question must be
// answered with yes. A refusal has AWS's words, and for EC2 the encoded message that sts:DecodeAuthorizationMessage reads.
//
// Where the resource of an action cannot be told from the input it is *, as for actions that know no resources: policies allow
// it by Resource *. The account's own keys need no permission; policies of endpoints hold for them too.
package guard
