package netns

import "kumiko/internal/kernel"

// quiet are parameters of every namespace: no packet is answered or sent that nobody asked for. The values of "all"
// are for interfaces there are, those of "default" for interfaces to come. (Linux kernel, ip-sysctl.rst.)
var quiet = []kernel.Sysctl{
	{Name: "ipv4/conf/all/rp_filter", Value: "0"},
	{Name: "ipv4/conf/default/rp_filter", Value: "0"},
	{Name: "ipv4/conf/all/accept_redirects", Value: "0"},
	{Name: "ipv4/conf/default/accept_redirects", Value: "0"},
	{Name: "ipv4/conf/all/send_redirects", Value: "0"},
	{Name: "ipv4/conf/default/send_redirects", Value: "0"},
	{Name: "ipv4/conf/all/accept_source_route", Value: "0"},
	{Name: "ipv4/conf/default/accept_source_route", Value: "0"},
}

// middle are parameters of whatever stands between instances – routers, gateways, the public side: they forward IPv4 and know no IPv6.
var middle = []kernel.Sysctl{
	{Name: "ipv4/ip_forward", Value: "1"}, // first, since it resets others
	{Name: "ipv4/fwmark_reflect", Value: "1"},
	{Name: "ipv6/conf/all/disable_ipv6", Value: "1", Optional: true},
	{Name: "ipv6/conf/default/disable_ipv6", Value: "1", Optional: true},
}

// routerOnly: instances ask for the addresses of their subnet, and the router answers for all of them; sockets it
// accepts carry the mark of the port they came in by. Nobody reads its tracked connections' events: left at "auto", the
// kernel would write a message for every change of one as soon as a reader listens in any namespace. (Linux kernel,
// nf_conntrack-sysctl.rst, nf_conntrack_events.)
var routerOnly = []kernel.Sysctl{
	{Name: "ipv4/conf/default/proxy_arp", Value: "1"},
	{Name: "ipv4/tcp_fwmark_accept", Value: "1"},
	{Name: "netfilter/nf_conntrack_acct", Value: "1", Optional: true}, // for flow logs: what was open before the first one counts
	{Name: "netfilter/nf_conntrack_events", Value: "0", Optional: true},
}

// gatewayOnly: connections are counted and timed for access records. The kernel does not look up routes a second time for
// each packet to see whether its source is an address of the gateway itself: nft refuses that, for new connections. (Linux
// kernel, ip-sysctl.rst, accept_local.)
var gatewayOnly = []kernel.Sysctl{
	{Name: "ipv4/conf/all/accept_local", Value: "1"},
	{Name: "netfilter/nf_conntrack_acct", Value: "1", Optional: true},
	{Name: "netfilter/nf_conntrack_timestamp", Value: "1", Optional: true},
}

// hostOnly: an instance has IPv6 on its loopback only, and anybody in it may ping.
var hostOnly = []kernel.Sysctl{
	{Name: "ipv4/ip_forward", Value: "0"},
	{Name: "ipv4/ping_group_range", Value: "0 2147483647", Optional: true},
	{Name: "ipv6/conf/default/disable_ipv6", Value: "1", Optional: true},
}

// sysctls are the parameters of a namespace of the kind.
func sysctls(k kind) []kernel.Sysctl {
	var out []kernel.Sysctl
	switch k {
	case router:
		out = append(append(out, middle...), routerOnly...)
	case gateway:
		out = append(append(out, middle...), gatewayOnly...)
	case nat, public, endpoint:
		out = append(out, middle...)
	case host, resolver:
		out = append(out, hostOnly...)
	}
	return append(out, quiet...)
}
