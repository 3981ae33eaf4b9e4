// Package kernel is the thin shim between the drivers and Linux: named network namespaces, netlink handles, sysctls
// and sockets inside them, and the names and marks by which the drivers meet each other.
//
// A namespace is addressed by the path of the file it is bind-mounted on, RUN/netns/NAME (see [Path]). Every call
// that acts inside one refuses, with [ErrForeign], a file that is the machine's own namespace or the one the daemon
// runs in: links of the machine are never touched. The package knows nothing of VPCs; it holds no state but open
// netlink sockets ([Handles]).
package kernel
