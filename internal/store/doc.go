// Package store keeps the World: one writer at a time, readers that never wait, every commit durable before it is
// answered. It is the only mutable state of the control plane; besides the World it holds what was last seen of the
// kernel ([Seen]), which is not durable because a fresh daemon looks again.
//
// On disk a store is one bbolt file: bucket "meta" (format, revision) and one bucket a noun with the rows as JSON,
// keyed by id. Calls that wait together are committed together, in one transaction and with one fdatasync.
package store
