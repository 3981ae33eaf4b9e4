// Package wire speaks the protocols of the AWS APIs: it reads a request into the input structure of an operation, checks it against
// the limits of the model, and writes the output structure, or an error, as the protocol wants it. It knows nothing of
// connections, signatures and callers.
//
// The structures are generated (see tools/apigen). Each field has a tag aws:"NAME,OPTION…" with the member's name in requests and
// these options:
//
//	out=NAME    its name in answers, where that differs
//	need        it is required
//	at=PLACE    it travels outside of the body: uri, querystring or header
//	item=NAME   the element around each item of a list, where it is not the usual one of the protocol
//	flat        the list has no element around it
//	time=FORMAT iso8601, rfc822 or unixTimestamp, where it is not the usual one of the protocol
//	union       exactly one member of the structure is set
//	shape=NAME  the entry of Service.Constraints its values must keep to
//
// A further protocol is a further Codec, chosen in New.
package wire
