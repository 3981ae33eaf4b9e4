package world

import (
	"net/netip"
	"time"
)

// Power is what an instance was asked to be.
type Power string

// The powers an instance can be asked to have.
const (
	Running    Power = "running"
	Stopped    Power = "stopped"
	Terminated Power = "terminated"
)

// Instance is a virtual machine of AWS; here a set of namespaces with a root file system.
type Instance struct {
	ID InstanceID
	Meta
	Reservation      string // r-
	LaunchIndex      int
	VPC              VPCID
	Subnet           SubnetID
	Image            string // AMI id
	User             string // default user of the image, e.g. ec2-user
	Type             string // e.g. t3.micro
	KeyName          string
	PublicKey        string // of the key pair, in authorized_keys form, as it was at launch
	UserData         []byte // as given, after base64
	ClientToken      string
	Launched         time.Time
	Power            Power
	Boot             uint64 // grows with each start and reboot; a host of an older boot is replaced
	Rebooted         uint64 // the last boot that a reboot asked for; AWS says running all through it
	StateReasonCode  string
	StateReason      string
	Reason           string    // state transition reason
	TerminatedAt     time.Time // when its host was gone; zero before
	InstanceProfile  string    // name of the instance profile, empty if none
	ProfileID        string    // of the instance profile
	Association      string    // iip-assoc-, of the instance with its profile
	Metadata         MetadataOptions
	TerminationLock  bool   // disableApiTermination
	StopLock         bool   // disableApiStop
	ShutdownBehavior string // stop or terminate
	Monitoring       bool
	NoRecovery       bool   // autoRecovery: disabled
	NoMigration      bool   // rebootMigration: disabled
	Capacity         string // capacityReservationPreference; empty: open
	Credits          string // cpuCredits of burstable types: standard or unlimited
	EBSOptimized     bool
	Volume           Volume
	ResourceName     bool // its host name is made of its id, not of its address
	ResourceNameA    bool // enableResourceNameDnsARecord: the name made of its id has its address
}

// Volume is what is told of an instance's root volume. Its bytes are the instance's own layer of its image.
type Volume struct {
	ID                  string // vol-
	Device              string // e.g. /dev/xvda
	Size                int    // GiB
	Type                string // e.g. gp3
	IOPS                int
	Throughput          int // MiB/s, of gp3
	Encrypted           bool
	DeleteOnTermination bool
	Tags                []Tag `json:",omitempty"`
}

// MetadataOptions govern the instance metadata service of an instance.
type MetadataOptions struct {
	Endpoint bool // HttpEndpoint enabled
	Tokens   bool // HttpTokens required
	HopLimit int  // HttpPutResponseHopLimit
	Tags     bool // InstanceMetadataTags enabled
}

// MetadataDefaults are the metadata options that an account's instances are launched with in a region, unless the launch says
// otherwise. A word that is empty stands for no preference.
type MetadataDefaults struct {
	Account  AccountID
	Region   string
	Tokens   string // optional or required
	Endpoint string // enabled or disabled
	Tags     string // enabled or disabled
	HopLimit int    // zero: no preference
	Enforced string // httpTokensEnforced: enabled or disabled
}

// RowID is the account and the region.
func (d MetadataDefaults) RowID() string { return string(d.Account) + "/" + d.Region }

// MetadataDefaultsOf are those of the caller's account and region.
func (w *World) MetadataDefaultsOf(c Caller) MetadataDefaults {
	d, ok := w.MetadataDefaults.Get(MetadataDefaults{Account: c.Account, Region: c.Region}.RowID())
	if !ok {
		d.Account, d.Region = c.Account, c.Region
	}
	return d
}

// RowID is the instance's id.
func (i Instance) RowID() string { return string(i.ID) }

// Owner is the id of its VPC.
func (i Instance) Owner() string { return string(i.VPC) }

// PrivateName is the instance's private DNS name, made of its id or of its primary address.
func (i Instance) PrivateName(primary netip.Addr) string {
	if i.ResourceName {
		return i.NameOfID()
	}
	return PrivateName(primary, i.Region)
}

// NameOfID is the name EC2 derives from the instance's id. (Amazon EC2 User Guide, "EC2 instance hostnames and domains".)
func (i Instance) NameOfID() string { return string(i.ID) + "." + PrivateDomain(i.Region) }

// HostnameType is how EC2 calls what the instance's name is made of.
func (i Instance) HostnameType() string {
	if i.ResourceName {
		return ResourceName
	}
	return IPName
}

// What host names are made of: addresses, or ids.
const IPName, ResourceName = "ip-name", "resource-name"

// ENIsOf are the ENIs attached to the instance, by device index.
func (w *World) ENIsOf(i InstanceID) []ENI {
	out := collect(w.ENIs.In(string(i)))
	for a := 1; a < len(out); a++ {
		for b := a; b > 0 && out[b].Attachment.DeviceIndex < out[b-1].Attachment.DeviceIndex; b-- {
			out[b], out[b-1] = out[b-1], out[b]
		}
	}
	return out
}

// KeyPair is a public key that instances can be launched with.
type KeyPair struct {
	ID KeyPairID
	Meta
	Name        string // unique in account and region
	Type        string // rsa or ed25519
	PublicKey   string // in authorized_keys form
	Fingerprint string
}

// RowID is the key pair's id.
func (k KeyPair) RowID() string { return string(k.ID) }
