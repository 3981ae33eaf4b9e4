// Package door serves the AWS APIs over TLS where networks have them: at the services' public addresses on the public side,
// and in the VPC endpoints to services. What arrives there has been judged by routes, groups and ACLs on its way, as any
// other packet; the door only notes by which way a request came. Certificates are made for the name a client asks for, by an
// authority of the state folder's own, which instances trust and nobody else has to.
//
// One listener a namespace takes what is for any address there: what is not for a service's address and port does not get
// past the packet filter of the namespace. Listeners of a process that ended are gone with it, and connections with them;
// the next process opens them again.
package door
