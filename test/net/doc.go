// Package net proves that packets, explanation and intention agree: it lays out worlds, lets the real drivers put them
// into the kernel, sends real packets and compares what happened to each with what package reach says of it, in
// verdict and in cause.
package net
