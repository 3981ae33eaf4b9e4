// Package health makes the health checks of Route 53: it asks endpoints on the public side over TCP, HTTP and HTTPS, at
// intervals, from one address for each region a check names, and tells when what it finds changes.
//
// What it owns: sockets in the namespace of the public side while a question is under way, and nothing in the kernel
// that outlives the process. The addresses it asks from are there with the uplinks, which driver/netns makes.
//
// How a fresh process recognises its own: it need not; it asks again.
//
// In what order it creates and deletes: a check that is new, or was changed, is asked at once and then at its interval;
// of one that is gone, or disabled, what is under way is waited for.
//
// What happens to packets if the process dies: names are answered by what was found last.
//
// How it is tested without root: over real sockets on loopback addresses, through [Config.Dial].
package health
