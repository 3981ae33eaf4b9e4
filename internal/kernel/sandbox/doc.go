// Package sandbox starts the init process of an instance: a process with its
// own mount, pid, uts, ipc and cgroup namespaces, in a network namespace that
// exists already, with a root file system put together from layers and with
// no power over the machine.
//
// [Start] does it in two steps. A thread of the calling process, thrown away
// afterwards, unshares the namespaces and builds the root file system with
// ordinary Go code. Then it forks; the child is the first process of the new
// pid namespace, mounts /proc, gives up its capabilities, installs the system
// call filter and executes the init program. No process with more power than
// the instance's root is ever visible from inside the instance.
//
// When the network namespace is owned by a user namespace, the child enters
// that user namespace: then the network capabilities of the instance's root
// end at its own network namespace.
//
// It knows nothing of instances, of what init does or of who asks.
package sandbox
