// Package nfnetlink reads what netfilter tells of one network namespace: packets that rules log to an NFLOG group, and
// events of tracked connections. It knows the wire formats of linux/netfilter/nfnetlink_log.h and
// nfnetlink_conntrack.h, and nothing of what the packets mean.
package nfnetlink
