package ec2

import (
	"context"
	"net/netip"
	"time"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// How long an account has to take what it was offered, and how long the giver sees that it did. (Amazon VPC User Guide, "Transfer
// Elastic IP addresses".)
const (
	offerLife    = 7 * 24 * time.Hour
	acceptedLife = 14 * 24 * time.Hour
)

// offered tells whether an address waits to be taken by another account.
func offered(a world.Address, now time.Time) bool {
	return a.Transfer.To != "" && a.Transfer.Accepted.IsZero() && now.Sub(a.Transfer.Offered) < offerLife
}

func transfer(a world.Address, status string) *ec2api.AddressTransfer {
	out := &ec2api.AddressTransfer{
		PublicIp: new(a.Public.String()), AllocationId: new(string(a.ID)), TransferAccountId: new(string(a.Transfer.To)),
		TransferOfferExpirationTimestamp: new(a.Transfer.Offered.Add(offerLife)), AddressTransferStatus: new(status),
	}
	if !a.Transfer.Accepted.IsZero() {
		out.TransferOfferAcceptedTimestamp = new(a.Transfer.Accepted)
	}
	return out
}

// EnableAddressTransfer offers an address to another account, which has seven days to take it.
func (s *Service) EnableAddressTransfer(ctx context.Context, c world.Caller, in *ec2api.EnableAddressTransferInput) (*ec2api.EnableAddressTransferOutput, error) {
	to := world.AccountID(val(in.TransferAccountId))
	if !accountForm.MatchString(string(to)) || to == c.Account {
		return nil, awserr.EC2InvalidParameter("transferAccountId", string(to), "Expecting the 12 digits of another account.")
	}
	var a world.Address
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		var err error
		if a, err = find(&tx.Addresses, c, "address", in.AllocationId); err != nil {
			return err
		}
		switch {
		case !offered(a, tx.Now):
			a.Transfer = world.AddressTransfer{From: c.Account, To: to, Offered: tx.Now}
		case a.Transfer.To != to:
			return awserr.EC2NotPermitted("The address " + a.Public.String() + " is being transferred to the account " + string(a.Transfer.To) + " already.")
		}
		a.Updated = tx.Now
		tx.Addresses.Put(a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.EnableAddressTransferOutput{AddressTransfer: transfer(a, "pending")}, nil
}

// DisableAddressTransfer takes an offer back.
func (s *Service) DisableAddressTransfer(ctx context.Context, c world.Caller, in *ec2api.DisableAddressTransferInput) (*ec2api.DisableAddressTransferOutput, error) {
	var was world.Address
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		var err error
		if was, err = find(&tx.Addresses, c, "address", in.AllocationId); err != nil {
			return err
		}
		if !offered(was, tx.Now) {
			return awserr.EC2NotPermitted("The address " + was.Public.String() + " is not being transferred.")
		}
		a := was
		a.Transfer, a.Updated = world.AddressTransfer{}, tx.Now
		tx.Addresses.Put(a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.DisableAddressTransferOutput{AddressTransfer: transfer(was, disabled)}, nil
}

// AcceptAddressTransfer makes an address that was offered the caller's own. Its tags do not come with it.
func (s *Service) AcceptAddressTransfer(ctx context.Context, c world.Caller, in *ec2api.AcceptAddressTransferInput) (*ec2api.AcceptAddressTransferOutput, error) {
	given, err := oneSpec(in.TagSpecifications, "elastic-ip")
	if err != nil {
		return nil, err
	}
	public, err := netip.ParseAddr(val(in.Address))
	if err != nil {
		return nil, awserr.EC2InvalidParameter("address", val(in.Address), "Not an IPv4 address.")
	}
	var a world.Address
	_, err = s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		found := tx.Addresses.Where(func(a world.Address) bool {
			return a.Public == public && a.Region == c.Region && offered(a, tx.Now) && a.Transfer.To == c.Account
		})
		switch {
		case len(found) == 0:
			return noAddress(public.String())
		case atLimit(&tx.Addresses, c, maxAddresses):
			return awserr.EC2Limit("AddressLimitExceeded", "The maximum number of addresses has been reached.")
		case found[0].Association != "":
			return awserr.EC2Code("InvalidTransfer.AddressAssociated", "The address %s is associated and cannot be transferred.", public)
		}
		a = found[0]
		a.Account, a.Tags, a.Transfer.Accepted = c.Account, world.SortTags(given), tx.Now
		tx.Touch(&a.Meta)
		tx.Addresses.Put(a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.AcceptAddressTransferOutput{AddressTransfer: transfer(a, "accepted")}, nil
}

// DescribeAddressTransfers lists what the caller has offered to others, and what of it they have taken.
func (s *Service) DescribeAddressTransfers(_ context.Context, c world.Caller, in *ec2api.DescribeAddressTransfersInput) (*ec2api.DescribeAddressTransfersOutput, error) {
	v := s.look(c)
	given := func(a world.Address) bool {
		return a.Transfer.From == c.Account && a.Region == c.Region && v.now.Sub(a.Transfer.Accepted) < acceptedLife
	}
	rows, err := pick("address", in.AllocationIds, v.w.Addresses.Where(func(a world.Address) bool { return a.OwnedBy(c) || given(a) }))
	if err != nil {
		return nil, err
	}
	var offers []world.Address
	for _, a := range rows {
		if given(a) || a.OwnedBy(c) && offered(a, v.now) {
			offers = append(offers, a)
		}
	}
	page, next, err := list(query{size: in.MaxResults, token: in.NextToken, dry: in.DryRun}, offers, listing.Filters[world.Address]{}, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeAddressTransfersOutput{NextToken: next, AddressTransfers: each(page, func(a world.Address) ec2api.AddressTransfer {
		if offered(a, v.now) {
			return *transfer(a, "pending")
		}
		return *transfer(a, "accepted")
	})}, nil
}
