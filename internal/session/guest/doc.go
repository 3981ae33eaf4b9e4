// Package guest is the inside of an instance: its first process, which the
// program becomes when called with the argument "guest-init".
//
// Init gives the instance its names and users, carries out the user data at
// the first boot, reports that it is ready, answers connections to port 22,
// runs the commands the machine asks for, takes in orphans and ends the
// instance when told to. It has no more power than the instance's root, and
// everything it knows comes from its orders and from files of the instance.
//
// The same argument followed by another word plays the smaller parts inside an
// instance: "sshd" serves one SSH connection where the image has no OpenSSH
// server, "sftp" its file transfer, "sudo" asks init to run a command where the image has no sudo.
package guest
