// Package app puts the parts together: it opens the store, starts the drivers, the reconciler, the services and the
// API in the right order, and stops them in the opposite one. It is the only package that knows all the others.
package app
