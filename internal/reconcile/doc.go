// Package reconcile makes the kernel what the World asks for: it waits for a commit, compiles it, gives each changed
// scope to the drivers, and publishes what was seen.
//
// Within a scope the order is closed before open: namespaces, then rules, then links, then routes, so that no packet
// passes before the rule that judges it is in force. Names and metadata follow. Instances are started and stopped by a
// worker of their own, because a rule change must not wait for a boot. A scope that fails is reported in
// [store.Seen].Failing and tried again, later and later; the others go on.
package reconcile
