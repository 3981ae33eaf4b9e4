package remote

import "net/netip"

// Descriptors init is started with, beside standard input (nothing), output
// and error (the console).
const (
	OrdersFile  = 3 // Orders in JSON, until end of file; no orders: init ends at once
	ControlFile = 4 // listening socket of the machine
)

// InitArgument is the subcommand by which the program knows that it plays init.
const InitArgument = "guest-init"

// Orders tell init which instance it is.
type Orders struct {
	ID       string
	Boot     uint64
	Hostname string       // first label of the host name
	Domain   string       // the rest
	Addr     netip.Addr   // primary private address
	Resolver []netip.Addr // in order
	User     string       // default user
	Keys     []string     // authorized_keys lines of the default user, of the first boot
	UserData []byte       // of the first boot
	Agent    bool         // start the SSM agent
}

// FQDN is the whole host name.
func (o Orders) FQDN() string {
	if o.Domain == "" {
		return o.Hostname
	}
	return o.Hostname + "." + o.Domain
}
