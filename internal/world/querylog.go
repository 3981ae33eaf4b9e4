package world

import "strings"

// QueryLogConfig says where records of DNS queries go: a log group.
type QueryLogConfig struct {
	ID QueryLogConfigID
	Meta
	Name        string
	Destination string // ARN of the log group
	CreatorID   string // CreatorRequestId
}

// RowID is the configuration's id.
func (q QueryLogConfig) RowID() string { return string(q.ID) }

// LogGroupOfARN is the key of the log group that an ARN names; see LogGroupKey.
func LogGroupOfARN(arn string) (string, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || parts[2] != "logs" {
		return "", false
	}
	name, ok := strings.CutPrefix(strings.TrimSuffix(parts[5], ":*"), "log-group:")
	return LogGroupKey(AccountID(parts[4]), parts[3], name), ok
}

// QueryLogAssociation makes the queries of a VPC's instances go to a configuration's log group.
type QueryLogAssociation struct {
	ID QueryLogAssociationID
	Meta
	Config QueryLogConfigID
	VPC    VPCID
}

// RowID is the association's id.
func (a QueryLogAssociation) RowID() string { return string(a.ID) }

// Owner is the id of the VPC.
func (a QueryLogAssociation) Owner() string { return string(a.VPC) }
