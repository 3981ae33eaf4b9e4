// Package host runs instances: each is an init process in namespaces of its
// own with a root file system of its own.
//
// What does it own? Under the runtime folder hosts/ID: the record of the
// running process, init's socket and the console log. Under the state folder
// instances/ID: what the instance has written, which outlives stops and goes
// when the instance is forgotten; and images/: the read-only layers all
// instances share. Where the machine has a cgroup2 hierarchy, a cgroup for
// each instance under one of this state folder. The network namespace belongs
// to driver/netns.
//
// How does a fresh process recognise its own? By the record: process id, start
// time and the machine's boot; a process is only taken for ours if all three
// agree, and it is then watched through a descriptor, so its id cannot be
// reused under us.
//
// In what order does it create and delete? Folders, cgroup, socket, process,
// record, orders. Init waits for its orders, so a process without record ends
// by itself when we die. To stop, init is asked first and the process killed
// when it has not ended in time; then cgroup and record go.
//
// What happens to packets if we die right here? Nothing: instances do not
// depend on this process and go on.
//
// How is it tested without root? It is not: all of it is about the kernel.
package host
