package world

// Reverse is the name that an elastic address has in the DNS of the Internet: its PTR record. (Amazon EC2 User Guide, "Use
// reverse DNS for email applications".)
type Reverse struct {
	Name string // without the dot at the end; empty: none
	Was  string // before the last change
	Rev  uint64 // revision of the last change
}
