// Package lab lays out the networks that are measured: the whole data plane of kumiko over a World in memory, without
// instances' processes, and beside it bare namespaces joined as the kernel alone would join them.
package lab
