package ram

import (
	"context"
	"strings"

	"kumiko/internal/api/ramapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// findInvitation finds an invitation that the caller has received.
func findInvitation(w *world.World, c world.Caller, arn string) (world.ShareInvitation, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "ram" {
		return world.ShareInvitation{}, awserr.RAMMalformed(arn)
	}
	id, _ := strings.CutPrefix(parts[5], "resource-share-invitation/")
	i, ok := w.ShareInvitations.Get(world.ShareInvitationID(id))
	if !ok || i.ARN() != arn || i.Receiver != c.Account || i.Region != c.Region {
		return i, awserr.RAMInvitation("ArnNotFound", arn)
	}
	return i, nil
}

// pending refuses invitations that cannot be answered any more.
func pending(status, arn string) error {
	switch status {
	case world.InvitationAccepted:
		return awserr.RAMInvitation("AlreadyAccepted", arn)
	case world.InvitationRejected:
		return awserr.RAMInvitation("AlreadyRejected", arn)
	case world.InvitationExpired:
		return awserr.RAMInvitation("Expired", arn)
	}
	return nil
}

// AcceptResourceShareInvitation gives the caller what it was invited to share.
func (s *Service) AcceptResourceShareInvitation(ctx context.Context, c world.Caller, in *ramapi.AcceptResourceShareInvitationInput) (*ramapi.AcceptResourceShareInvitationOutput, error) {
	i, err := s.answer(ctx, request{c, "AcceptResourceShareInvitation", in.ClientToken, in}, *in.ResourceShareInvitationArn, world.InvitationAccepted)
	if err != nil {
		return nil, err
	}
	return &ramapi.AcceptResourceShareInvitationOutput{ResourceShareInvitation: i, ClientToken: in.ClientToken}, nil
}

// RejectResourceShareInvitation says that the caller does not want it.
func (s *Service) RejectResourceShareInvitation(ctx context.Context, c world.Caller, in *ramapi.RejectResourceShareInvitationInput) (*ramapi.RejectResourceShareInvitationOutput, error) {
	i, err := s.answer(ctx, request{c, "RejectResourceShareInvitation", in.ClientToken, in}, *in.ResourceShareInvitationArn, world.InvitationRejected)
	if err != nil {
		return nil, err
	}
	return &ramapi.RejectResourceShareInvitationOutput{ResourceShareInvitation: i, ClientToken: in.ClientToken}, nil
}

// answer writes the answer to an invitation down, at the invitation and at the account's association.
func (s *Service) answer(ctx context.Context, q request, arn, answer string) (*ramapi.ResourceShareInvitation, error) {
	v, made, err := s.update(ctx, q, func(tx *world.Tx) ([]string, error) {
		i, err := findInvitation(&tx.World, q.c, arn)
		if err == nil {
			err = pending(i.Status(tx.Now), arn)
		}
		if err != nil {
			return nil, err
		}
		i.Answer, i.Updated = answer, tx.Now
		tx.ShareInvitations.Put(i)
		a, ok := tx.ShareAssociations.Get(world.ShareAssociationKey(i.Share, string(i.Receiver)))
		if !ok {
			return nil, awserr.RAMInvitation("ArnNotFound", arn)
		}
		a.Status, a.Updated = world.ShareAssociated, tx.Now
		if answer == world.InvitationRejected {
			a.Status, a.Why = world.ShareFailed, "The invitation was rejected."
		}
		tx.ShareAssociations.Put(a)
		return []string{string(i.ID)}, nil
	})
	if err != nil {
		return nil, err
	}
	i, ok := v.w.ShareInvitations.Get(world.ShareInvitationID(made[0]))
	if !ok { // the call was made before, and the share was deleted
		return nil, awserr.RAMInvitation("ArnNotFound", arn)
	}
	return new(v.invitation(i)), nil
}

// invitation describes an invitation.
func (v view) invitation(i world.ShareInvitation) ramapi.ResourceShareInvitation {
	r, _ := v.w.ResourceShares.Get(i.Share)
	return ramapi.ResourceShareInvitation{
		ResourceShareInvitationArn: new(i.ARN()), ResourceShareName: new(r.Name), ResourceShareArn: new(r.ARN()), SenderAccountId: new(string(i.Account)),
		ReceiverAccountId: new(string(i.Receiver)), ReceiverArn: new(world.IAMARN(i.Receiver, "", "", "root")), InvitationTimestamp: new(i.Created), Status: new(i.Status(v.now)),
	}
}

// GetResourceShareInvitations lists the invitations the caller has received.
func (s *Service) GetResourceShareInvitations(_ context.Context, c world.Caller, in *ramapi.GetResourceShareInvitationsInput) (*ramapi.GetResourceShareInvitationsOutput, error) {
	v := s.look(c)
	for _, arn := range in.ResourceShareInvitationArns {
		if _, err := findInvitation(&v.w, c, arn); err != nil {
			return nil, err
		}
	}
	for _, arn := range in.ResourceShareArns {
		if _, err := shareID(arn); err != nil {
			return nil, err
		}
	}
	rows := v.w.ShareInvitations.Where(func(i world.ShareInvitation) bool {
		r, _ := v.w.ResourceShares.Get(i.Share)
		return i.Receiver == c.Account && i.Region == c.Region && !v.forgotten(r) &&
			among(i.ARN(), in.ResourceShareInvitationArns) && among(r.ARN(), in.ResourceShareArns)
	})
	out, next, err := page(paged{in.MaxResults, in.NextToken}, rows, world.ShareInvitation.RowID, v.invitation)
	return &ramapi.GetResourceShareInvitationsOutput{ResourceShareInvitations: out, NextToken: next}, err
}

// ListPendingInvitationResources lists what the caller would share if it accepted an invitation.
func (s *Service) ListPendingInvitationResources(_ context.Context, c world.Caller, in *ramapi.ListPendingInvitationResourcesInput) (*ramapi.ListPendingInvitationResourcesOutput, error) {
	v := s.look(c)
	i, err := findInvitation(&v.w, c, *in.ResourceShareInvitationArn)
	if err == nil {
		err = pending(i.Status(v.now), *in.ResourceShareInvitationArn)
	}
	if err != nil {
		return nil, err
	}
	rows := v.associations(false, func(r world.ResourceShare, a world.ShareAssociation) bool {
		return r.ID == i.Share && a.Live() && regional(in.ResourceRegionScope)
	})
	out, next, err := page(paged{in.MaxResults, in.NextToken}, rows, world.ShareAssociation.RowID, v.resource)
	return &ramapi.ListPendingInvitationResourcesOutput{Resources: out, NextToken: next}, err
}
