package world

import "time"

// DefaultAccount is the account that exists from the first start.
const DefaultAccount AccountID = "000000000000"

// Account is an AWS account: the border of visibility.
type Account struct {
	ID      AccountID
	Name    string // unique; "default" for the default account
	Created time.Time
	Alias   string `json:",omitempty"` // unique; the name in the URL of the sign-in page
}

// RowID is the account id.
func (a Account) RowID() string { return string(a.ID) }

// AccessKey is a pair of credentials of an account, or of a user of it.
type AccessKey struct {
	ID       AccessKeyID
	Secret   string
	Account  AccountID
	Created  time.Time
	User     string `json:",omitempty"` // id; empty: the account itself
	Inactive bool   `json:",omitempty"`
}

// RowID is the access key id.
func (k AccessKey) RowID() string { return string(k.ID) }

// IdempotencyToken remembers that a client token was used, so that the same call again gives the same resource.
type IdempotencyToken struct {
	Key     string // account/region/service/operation/token
	Request string // hash of the parameters
	ID      string // of the resource that was made (or its ids, comma separated)
	Created time.Time
}

// RowID is the key.
func (t IdempotencyToken) RowID() string { return t.Key }
