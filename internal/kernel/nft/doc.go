// Package nft keeps one nftables table of a network namespace equal to a printable model.
//
// A [Table] is plain data: sets with their elements, chains with their rules. [Diff] gives the steps from one table to
// another in an order the kernel accepts: what is created comes before what refers to it, what is deleted after.
// [Conn.Apply] sends these steps, [Conn.Replace] the whole table, each as one netlink batch: a single transaction
// during which packets see either the old table or the new one, never a part, and which an error leaves undone.
//
// It knows nothing of networks: what the rules mean is the business of its callers.
// Wire formats are those of linux/netfilter/nf_tables.h.
package nft
