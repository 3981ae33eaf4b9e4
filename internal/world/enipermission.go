package world

// What a permission lets another account do with an interface. (Amazon EC2 API Reference, CreateNetworkInterfacePermission.)
const (
	InstanceAttach = "INSTANCE-ATTACH" // attach it to its instances
	EIPAssociate   = "EIP-ASSOCIATE"   // associate its elastic addresses with it
)

// ENIPermission lets another account do something with an interface.
type ENIPermission struct {
	ID ENIPermissionID
	Meta
	ENI     ENIID
	Grantee AccountID
	Kind    string // InstanceAttach or EIPAssociate
}

// RowID is the permission's id.
func (p ENIPermission) RowID() string { return string(p.ID) }

// Owner is the id of its interface.
func (p ENIPermission) Owner() string { return string(p.ENI) }

// Permits tells whether an account may do something with an interface that is another's.
func (w *World) Permits(e ENIID, to AccountID, kind string) bool {
	for p := range w.ENIPermissions.In(string(e)) {
		if p.Grantee == to && p.Kind == kind {
			return true
		}
	}
	return false
}
