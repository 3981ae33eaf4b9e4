// Package archtest holds the rules of the house as tests: who may import whom, how large things may grow, what is
// documented and which names are avoided. It reads the source and knows nothing of what it means.
package archtest
