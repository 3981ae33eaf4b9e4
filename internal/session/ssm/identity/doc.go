// Package identity is who an instance is, as the metadata service tells the programs in it: its id, its region, and the
// credentials of its role for the time being. It asks by nothing but the instance's own network.
package identity
