// Package reach explains: it walks a packet through the same [fabric.Fabric] the drivers put into the kernel, station
// by station, and says whether it arrives and, if not, what refuses it. It is pure and touches no kernel.
//
// What a rule means is not written here but in package fabric; this package only knows in which order a packet meets
// the stations.
package reach
