// Package proxy carries what Lattice's services carry: it takes HTTP from the clients of services, chooses by the fabric
// which target a request goes to, and sends it there. It also asks the targets whether they are well.
//
// It owns sockets and nothing else: a listener for each port of a service in the service point of each VPC whose clients
// may use it, and connections from the service points of the targets' VPCs. Who may reach a listener, and what a
// connection may reach, is the kernel's to say, by the groups and ACLs on the way. A fresh process opens its listeners
// anew; connections end with the process, for nobody else could carry them on. The choice of a service, a rule, a target
// group and a target is that of package fabric, which explanations ask as well.
package proxy
