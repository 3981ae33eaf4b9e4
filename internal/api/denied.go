package api

// Denied is a request that a policy forbids. Each service says so in its own form.
type Denied struct{ Text string }

// Error says it for people.
func (d *Denied) Error() string { return "denied: " + d.Text }
