// Package api is the front door: one http.Handler for the APIs of all services.
//
// A request's service is found from the scope of its signature, else from its host name. The signature is verified, the body read by
// the service's codec, the caller authorized and the operation's handler called; what it returns is written in the service's
// protocol. Operations and services that are not built answer HTTP 501, which SDKs do not retry. Handlers return *awserr.Error or
// *world.Error for what the client did; any other error, and a panic, is answered as an internal error and logged.
//
// The package knows nothing of what operations do, nor where credentials are kept.
package api
