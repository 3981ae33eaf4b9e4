package world

// FlowLog sends a record of the traffic of interfaces to a log group.
type FlowLog struct {
	ID FlowLogID
	Meta
	Resource    string // vpc-, subnet- or eni- id
	Traffic     string // one of the Flow constants
	Group       string // name of the log group
	Role        string // DeliverLogsPermissionArn
	Destination string // LogDestination as given
	Format      string // empty: the default format
	Interval    int    // seconds: 60 or 600

	Delivered bool   // records have reached the log group once
	Failure   string // why the last delivery failed, in AWS's words; empty: it did not
}

// What a FlowLog records.
const (
	FlowAccept = "ACCEPT"
	FlowReject = "REJECT"
	FlowAll    = "ALL"
)

// RowID is the flow log's id.
func (f FlowLog) RowID() string { return string(f.ID) }

// VPCOf is the VPC of the interfaces the flow log is about; false when its resource is gone.
func (f FlowLog) VPCOf(w *World) (VPCID, bool) {
	if v, ok := w.VPCs.Get(VPCID(f.Resource)); ok {
		return v.ID, true
	}
	if s, ok := w.Subnets.Get(SubnetID(f.Resource)); ok {
		return s.VPC, true
	}
	e, ok := w.ENIs.Get(ENIID(f.Resource))
	return e.VPC, ok
}

// Covers tells whether the flow log is about the interface.
func (f FlowLog) Covers(e ENI) bool {
	return f.Resource == string(e.VPC) || f.Resource == string(e.Subnet) || f.Resource == string(e.ID)
}
