package world

import "slices"

// HealthCheck is a health check of Route 53: something that is asked from the public side whether it is well, or a
// number of other checks that must be.
type HealthCheck struct {
	ID HealthCheckID
	Meta
	Reference string // CallerReference, unique in the account
	Version   int64
	HealthCheckConfig
}

// HealthCheckConfig is what is asked, and how the answer counts.
type HealthCheckConfig struct {
	Type             string // HTTP, HTTPS, HTTP_STR_MATCH, HTTPS_STR_MATCH, TCP or CALCULATED
	Address          string `json:",omitempty"`
	Port             int    `json:",omitempty"`
	Path             string `json:",omitempty"`
	Domain           string `json:",omitempty"` // FullyQualifiedDomainName
	Search           string `json:",omitempty"`
	Interval         int    `json:",omitempty"` // seconds, 10 or 30
	FailureThreshold int    `json:",omitempty"`
	MeasureLatency   bool   `json:",omitempty"`
	Inverted         bool   `json:",omitempty"`
	Disabled         bool   `json:",omitempty"`
	SNI              bool   `json:",omitempty"`
	Regions          []string
	HealthThreshold  int             `json:",omitempty"`
	Children         []HealthCheckID `json:",omitempty"`
}

// RowID is the check's id.
func (h HealthCheck) RowID() string { return string(h.ID) }

// Calculated tells whether the check asks other checks.
func (h HealthCheck) Calculated() bool { return h.Type == "CALCULATED" }

// HealthObservation is what the checker last found; it is written when that changes.
type HealthObservation struct {
	Check   HealthCheckID
	Healthy bool
}

// RowID is the id of its check.
func (o HealthObservation) RowID() string { return string(o.Check) }

// Healthy tells whether a check counts as healthy: what was found, or that enough of its children are, turned round if
// it is inverted. A disabled check and one that was not asked yet count as healthy before that; one that is gone does
// not keep anything from being answered. (Amazon Route 53 Developer Guide, "How Route 53 determines whether a health
// check is healthy" and "Values that you specify when you create or update health checks".)
func (w *World) Healthy(id HealthCheckID) bool { return w.healthy(id, nil) }

func (w *World) healthy(id HealthCheckID, above []HealthCheckID) bool {
	h, ok := w.HealthChecks.Get(id)
	if !ok || slices.Contains(above, id) {
		return true
	}
	well := true
	switch o, seen := w.HealthObservations.Get(id); {
	case h.Disabled:
	case h.Calculated():
		above, n := append(slices.Clone(above), id), 0
		for _, child := range h.Children {
			if w.healthy(child, above) {
				n++
			}
		}
		well = n >= h.HealthThreshold
	case seen:
		well = o.Healthy
	}
	return well != h.Inverted
}
