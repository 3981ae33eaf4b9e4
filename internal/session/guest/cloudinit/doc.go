// Package cloudinit carries out user data: scripts, boot hooks and the subset
// of #cloud-config that instances without a distribution's own cloud-init can
// mean: users, passwords, keys, files and commands.
//
// It parses and changes files; who calls it runs the commands. Keys of
// #cloud-config that are not carried out are named in a warning, never
// silently dropped.
package cloudinit
