// Package dns measures the resolver against unbound: the same names, the same load by dnsperf, in turns on the same
// machine. What counts is the ratio.
package dns
