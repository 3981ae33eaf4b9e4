package ec2

import (
	"testing"
	"time"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/world"
)

// An address that is offered to another account can be taken by it alone, while the offer lasts and nothing uses the address; then it
// is that account's own, without its tags.
func TestAddressTransfer(t *testing.T) {
	b, ctx := start(t), t.Context()
	to, third := world.Caller{Account: "111111111111", Region: "us-east-1"}, world.Caller{Account: "222222222222", Region: "us-east-1"}
	vpc := b.vpc("10.0.0.0/16")
	subnet := b.subnet(vpc, "10.0.1.0/24")
	b.gateway(vpc)
	eip := must(b.AllocateAddress(ctx, b.c, &ec2api.AllocateAddressInput{TagSpecifications: []ec2api.TagSpecification{{
		ResourceType: new("elastic-ip"), Tags: []ec2api.Tag{{Key: new("a"), Value: new("b")}}}}}))
	eni := must(b.CreateNetworkInterface(ctx, b.c, &ec2api.CreateNetworkInterfaceInput{SubnetId: subnet})).NetworkInterface.NetworkInterfaceId
	assoc := must(b.AssociateAddress(ctx, b.c, &ec2api.AssociateAddressInput{AllocationId: eip.AllocationId, NetworkInterfaceId: eni}))
	accept := &ec2api.AcceptAddressTransferInput{Address: eip.PublicIp}

	must(b.EnableAddressTransfer(ctx, b.c, &ec2api.EnableAddressTransferInput{AllocationId: eip.AllocationId, TransferAccountId: new(string(to.Account))}))
	_, err := b.EnableAddressTransfer(ctx, b.c, &ec2api.EnableAddressTransferInput{AllocationId: eip.AllocationId, TransferAccountId: new(string(third.Account))})
	b.refused(err, "OperationNotPermitted", "The address "+*eip.PublicIp+" is being transferred to the account 111111111111 already.")
	_, err = b.AcceptAddressTransfer(ctx, to, accept)
	b.refused(err, "InvalidTransfer.AddressAssociated", "The address "+*eip.PublicIp+" is associated and cannot be transferred.")
	must(b.DisassociateAddress(ctx, b.c, &ec2api.DisassociateAddressInput{AssociationId: assoc.AssociationId}))
	for _, c := range []world.Caller{b.c, third, {Account: to.Account, Region: "eu-west-1"}} {
		_, err = b.AcceptAddressTransfer(ctx, c, accept)
		b.refused(err, "InvalidAddress.NotFound", "Address '"+*eip.PublicIp+"' not found.")
	}

	if got := must(b.AcceptAddressTransfer(ctx, to, accept)).AddressTransfer; *got.AddressTransferStatus != "accepted" || got.TransferOfferAcceptedTimestamp == nil {
		t.Errorf("accepted: %+v", got)
	}
	if got := must(b.DescribeAddresses(ctx, to, &ec2api.DescribeAddressesInput{})).Addresses; len(got) != 1 || *got[0].PublicIp != *eip.PublicIp || len(got[0].Tags) > 0 {
		t.Errorf("the new owner has %+v", got)
	}
	if got := must(b.DescribeAddresses(ctx, b.c, &ec2api.DescribeAddressesInput{})).Addresses; len(got) != 0 {
		t.Errorf("the old owner has %+v", got)
	}
	transfers := func(c world.Caller) int {
		return len(must(b.DescribeAddressTransfers(ctx, c, &ec2api.DescribeAddressTransfersInput{})).AddressTransfers)
	}
	if transfers(b.c) != 1 || transfers(to) != 0 {
		t.Errorf("%d transfers are told to the giver, %d to the taker", transfers(b.c), transfers(to))
	}
	b.now = b.now.Add(acceptedLife + time.Hour)
	if transfers(b.c) != 0 {
		t.Error("the giver sees the transfer for ever")
	}
}

// An offer ends after seven days.
func TestAddressOfferExpires(t *testing.T) {
	b, ctx := start(t), t.Context()
	eip := must(b.AllocateAddress(ctx, b.c, &ec2api.AllocateAddressInput{}))
	must(b.EnableAddressTransfer(ctx, b.c, &ec2api.EnableAddressTransferInput{AllocationId: eip.AllocationId, TransferAccountId: new("111111111111")}))
	must(b.st.Update(ctx, func(tx *world.Tx) error {
		a, _ := tx.Addresses.Get(world.AllocationID(*eip.AllocationId))
		a.Transfer.Offered = tx.Now.Add(-offerLife)
		tx.Addresses.Put(a)
		return nil
	}))
	_, err := b.AcceptAddressTransfer(ctx, world.Caller{Account: "111111111111", Region: "us-east-1"}, &ec2api.AcceptAddressTransferInput{Address: eip.PublicIp})
	b.refused(err, "InvalidAddress.NotFound", "Address '"+*eip.PublicIp+"' not found.")
}
