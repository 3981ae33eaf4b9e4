package world

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Consumers of resource gateways have indexes of their own, endpoints and VPC associations alike.
func TestIndexesOfConsumers(t *testing.T) {
	for name, put := range map[string]func(*Tx, uint16){
		"endpoint": func(tx *Tx, n uint16) {
			tx.Endpoints.Put(Endpoint{ID: "vpce-2", VPC: "vpc-1", Type: EndpointResource, Index: n})
		},
		"association": func(tx *Tx, n uint16) { tx.VPCAssociations.Put(VPCAssociation{ID: "snva-2", VPC: "vpc-1", Index: n}) },
	} {
		for index, fails := range map[uint16]bool{1: true, 2: false} {
			tx := Begin(World{}, time.Unix(0, 0), rand.NewChaCha8([32]byte{}))
			tx.VPCs.Put(VPC{ID: "vpc-1"})
			tx.Endpoints.Put(Endpoint{ID: "vpce-1", VPC: "vpc-1", Type: EndpointResource, Index: 1})
			if n, err := tx.FreeConsumerIndex(); n != 2 || err != nil {
				t.Errorf("the next index is %d, %v", n, err)
			}
			put(tx, index)
			w, changes, err := tx.Seal()
			if err != nil {
				t.Fatal(err)
			}
			changes = slices.DeleteFunc(changes, func(ch Change) bool { return ch.Noun == "vpc" })
			var clash *Error
			if err := Check(w, changes); errors.As(err, &clash) != fails {
				t.Errorf("%s with index %d: %v", name, index, err)
			}
		}
	}
}
