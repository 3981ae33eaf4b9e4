package ec2

import (
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/fabric"
	"kumiko/internal/service/listing"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// reverseName is the one attribute that addresses have.
const reverseName = "domain-name"

// ModifyAddressAttribute gives an address a reverse name, which must lead to it in public DNS.
func (s *Service) ModifyAddressAttribute(ctx context.Context, c world.Caller, in *ec2api.ModifyAddressAttributeInput) (*ec2api.ModifyAddressAttributeOutput, error) {
	if !set(in.DomainName) {
		return nil, awserr.EC2MissingParameter("domainName")
	}
	name, ok := world.ParseDNSName(*in.DomainName)
	if !ok || strings.HasPrefix(name, "*") {
		return nil, awserr.EC2InvalidParameter("domainName", *in.DomainName, "It is no domain name.")
	}
	a, err := s.rename(ctx, c, in.AllocationId, in.DryRun, func(w world.World, a world.Address) (string, error) {
		if !fabric.NamesPublicly(w, name, a.Public) {
			return "", awserr.EC2InvalidParameter("domainName", *in.DomainName, "In public DNS it has no record of type A with the address "+a.Public.String()+".")
		}
		return name, nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.ModifyAddressAttributeOutput{Address: a}, nil
}

// ResetAddressAttribute takes its reverse name from an address.
func (s *Service) ResetAddressAttribute(ctx context.Context, c world.Caller, in *ec2api.ResetAddressAttributeInput) (*ec2api.ResetAddressAttributeOutput, error) {
	if err := oneOf("attribute", in.Attribute, reverseName); err != nil {
		return nil, err
	}
	a, err := s.rename(ctx, c, in.AllocationId, in.DryRun, func(world.World, world.Address) (string, error) { return "", nil })
	if err != nil {
		return nil, err
	}
	return &ec2api.ResetAddressAttributeOutput{Address: a}, nil
}

// rename gives an address the reverse name that choose says.
func (s *Service) rename(ctx context.Context, c world.Caller, id *string, dry *bool, choose func(world.World, world.Address) (string, error)) (*ec2api.AddressAttribute, error) {
	var a world.Address
	v, err := s.update(ctx, c, dry, func(tx *world.Tx) error {
		var err error
		if a, err = find(&tx.Addresses, c, "address", id); err != nil {
			return err
		}
		name, err := choose(tx.World, a)
		if err != nil || name == a.Reverse.Name {
			return err
		}
		a.Reverse, a.Updated = world.Reverse{Name: name, Was: a.Reverse.Name, Rev: tx.Rev}, tx.Now
		tx.Addresses.Put(a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return new(addressAttribute(a, v.seen)), nil
}

// addressAttribute describes the reverse name of an address: the one that resolvers answer, and the one they will.
func addressAttribute(a world.Address, seen store.Seen) ec2api.AddressAttribute {
	out := ec2api.AddressAttribute{AllocationId: new(string(a.ID)), PublicIp: new(a.Public.String())}
	record := a.Reverse.Name
	if !seen.Ready(a.Reverse.Rev) {
		record = a.Reverse.Was
		out.PtrRecordUpdate = &ec2api.PtrUpdateStatus{Status: new("PENDING")}
		if a.Reverse.Name != "" {
			out.PtrRecordUpdate.Value = new(a.Reverse.Name + ".")
		}
	}
	if record != "" {
		out.PtrRecord = new(record + ".")
	}
	return out
}

// DescribeAddressesAttribute lists the reverse names of those addresses that have one, or had one that resolvers still
// answer.
func (s *Service) DescribeAddressesAttribute(_ context.Context, c world.Caller, in *ec2api.DescribeAddressesAttributeInput) (*ec2api.DescribeAddressesAttributeOutput, error) {
	if err := oneOf("attribute", in.Attribute, reverseName); err != nil {
		return nil, err
	}
	v := s.look(c)
	rows, err := pick("address", in.AllocationIds, mine(&v.w.Addresses, c))
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(slices.Clone(rows), func(a world.Address) bool { return a.Reverse.Name == "" && v.seen.Ready(a.Reverse.Rev) })
	page, next, err := list(query{size: in.MaxResults, token: in.NextToken, dry: in.DryRun}, rows, listing.Filters[world.Address]{}, listing.EC2(1, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeAddressesAttributeOutput{NextToken: next, Addresses: each(page, func(a world.Address) ec2api.AddressAttribute {
		return addressAttribute(a, v.seen)
	})}, nil
}
