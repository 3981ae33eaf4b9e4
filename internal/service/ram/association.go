package ram

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"kumiko/internal/api/ramapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// associating puts resources and principals into a share.
type associating struct {
	tx    *world.Tx
	c     world.Caller
	share world.ResourceShare
	made  []string // entities
}

// add associates them all, or none.
func (a *associating) add(resources, principals, sources []string) error {
	if len(sources) > 0 {
		return awserr.RAMUnbuilt("Service principals, and sources they are limited to, are")
	}
	for _, arn := range resources {
		if err := checkResource(&a.tx.World, a.c, arn); err != nil {
			return err
		}
		a.put(arn, false, world.ShareAssociated)
	}
	for _, p := range principals {
		if err := checkPrincipal(a.c, a.share, p); err != nil {
			return err
		}
		a.invite(p)
	}
	return nil
}

// put associates an entity, unless it is.
func (a *associating) put(entity string, principal bool, status string) {
	if slices.Contains(a.made, entity) {
		return
	}
	a.made = append(a.made, entity)
	old, _ := a.tx.ShareAssociations.Get(world.ShareAssociationKey(a.share.ID, entity))
	if a.tx.Settled(old, a.tx.Now).Live() {
		return
	}
	if principal {
		a.tx.ShareInvitations.Put(world.ShareInvitation{
			ID: world.ShareInvitationID(a.tx.UUID()), Meta: a.tx.NewMeta(a.c, nil), Share: a.share.ID, Receiver: world.AccountID(entity),
		})
	}
	a.tx.ShareAssociations.Put(world.ShareAssociation{
		Share: a.share.ID, Entity: entity, Principal: principal, Status: status, Created: a.tx.Now, Updated: a.tx.Now,
	})
}

// invite associates an account as far as that goes without its consent.
func (a *associating) invite(account string) { a.put(account, true, world.ShareAssociating) }

// checkResource holds what can be shared: what the caller owns, of a type that can. (AWS RAM User Guide, "Shareable AWS resources".)
func checkResource(w *world.World, c world.Caller, arn string) error {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] == "" || parts[5] == "" {
		return awserr.RAMMalformed(arn)
	}
	kind, _, _ := strings.Cut(parts[5], "/")
	switch {
	case parts[2] != "vpc-lattice" || kind == "service":
		return awserr.RAMUnbuilt("Sharing of resources like " + arn + " is")
	case kind != "servicenetwork" && kind != "resourceconfiguration":
		return awserr.RAMInvalid("The resource %s is of a type that cannot be shared.", arn)
	case parts[4] != string(c.Account):
		return awserr.RAMNotPermitted("The resource %s belongs to another account, which alone can share it.", arn)
	}
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	if cfg, ok := w.ResourceConfigurations.Get(world.ResourceConfigurationID(id)); ok && cfg.OwnARN() == arn && cfg.Type == world.ConfigurationChild {
		return awserr.RAMInvalid("The resource configuration %s is of type CHILD and cannot be shared by itself. Share its group %s.", arn, cfg.Group)
	}
	if n, ok := w.ServiceNetworks.Get(world.ServiceNetworkID(id)); ok && n.ARN() == arn && n.Sharing != nil && !*n.Sharing {
		return awserr.RAMNotPermitted("The service network %s was made with sharing disabled.", arn)
	}
	if _, m, ok := w.Shareable(arn); !ok || !m.OwnedBy(c) || m.Deleting {
		return awserr.RAMUnknown("Resource", arn)
	}
	return nil
}

var (
	accountID    = regexp.MustCompile(`^[0-9]{12}$`)
	organization = regexp.MustCompile(`^arn:aws[a-z-]*:organizations::[0-9]{12}:(organization|ou)/(.+)$`)
	identity     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+$`)
	service      = regexp.MustCompile(`^[a-z0-9.-]+\.amazonaws\.com$`)
)

// checkPrincipal holds who resources of VPC Lattice can be shared with: accounts. (AWS RAM User Guide.)
func checkPrincipal(c world.Caller, r world.ResourceShare, p string) error {
	org := organization.FindStringSubmatch(p)
	switch {
	case org != nil && org[1] == "organization":
		return awserr.RAMUnknown("Organization", org[2])
	case org != nil:
		unit := org[2][strings.LastIndexByte(org[2], '/')+1:]
		return awserr.RAMUnknown("OrganizationalUnit", unit)
	case identity.MatchString(p) || service.MatchString(p):
		return awserr.RAMNotPermitted("Resources of VPC Lattice can be shared with accounts only, not with %s.", p)
	case !accountID.MatchString(p):
		return awserr.RAMInvalid("Principal ID %s is malformed. Verify the ID and try again.", p)
	case p == string(c.Account):
		return awserr.RAMInvalid("Principal ID %s is the owner of the resource share.", p)
	case !r.External:
		return onlyOrganization()
	}
	return nil
}

func onlyOrganization() error {
	return awserr.RAMNotPermitted("The resource you are attempting to share can only be shared within your AWS Organization. " +
		"This error may also occur if you have not enabled sharing with your AWS organization, or that onboarding process is still in progress.")
}

// AssociateResourceShare puts resources and principals into a share. Accounts are invited.
func (s *Service) AssociateResourceShare(ctx context.Context, c world.Caller, in *ramapi.AssociateResourceShareInput) (*ramapi.AssociateResourceShareOutput, error) {
	v, made, err := s.update(ctx, request{c, "AssociateResourceShare", in.ClientToken, in}, func(tx *world.Tx) ([]string, error) {
		r, err := ownShare(&tx.World, c, *in.ResourceShareArn)
		if err != nil {
			return nil, err
		}
		a := associating{tx: tx, c: c, share: r}
		err = a.add(in.ResourceArns, in.Principals, in.Sources)
		return a.made, err
	})
	if err != nil {
		return nil, err
	}
	return &ramapi.AssociateResourceShareOutput{ResourceShareAssociations: v.changing(*in.ResourceShareArn, made, world.ShareAssociating), ClientToken: in.ClientToken}, nil
}

// DisassociateResourceShare takes resources and principals out of a share. What others have made with them stays.
func (s *Service) DisassociateResourceShare(ctx context.Context, c world.Caller, in *ramapi.DisassociateResourceShareInput) (*ramapi.DisassociateResourceShareOutput, error) {
	if len(in.Sources) > 0 {
		return nil, awserr.RAMUnbuilt("Service principals, and sources they are limited to, are")
	}
	v, made, err := s.update(ctx, request{c, "DisassociateResourceShare", in.ClientToken, in}, func(tx *world.Tx) ([]string, error) {
		r, err := ownShare(&tx.World, c, *in.ResourceShareArn)
		if err != nil {
			return nil, err
		}
		entities := slices.Concat(in.ResourceArns, in.Principals)
		for _, e := range entities {
			a, ok := tx.ShareAssociations.Get(world.ShareAssociationKey(r.ID, e))
			if !ok || a.Status == world.ShareDisassociated {
				return nil, awserr.RAMUnknown("Association of "+e+" with ResourceShare", r.ARN())
			}
			end(tx, a)
		}
		return entities, nil
	})
	if err != nil {
		return nil, err
	}
	return &ramapi.DisassociateResourceShareOutput{ResourceShareAssociations: v.changing(*in.ResourceShareArn, made, world.ShareDisassociating), ClientToken: in.ClientToken}, nil
}

// end takes an entity out of its share, and an invitation that was not answered back.
func end(tx *world.Tx, a world.ShareAssociation) {
	if a.Status == world.ShareDisassociated {
		return
	}
	if i, ok := tx.Invitation(a.Share, world.AccountID(a.Entity)); ok && i.Answer == "" {
		tx.ShareInvitations.Delete(i.ID)
	}
	a.Status, a.Why, a.Updated = world.ShareDisassociated, "", tx.Now
	tx.ShareAssociations.Put(a)
}

// changing describes the associations that a call has begun to change, as the call answers.
func (v view) changing(share string, entities []string, status string) []ramapi.ResourceShareAssociation {
	out := []ramapi.ResourceShareAssociation{}
	id, _ := shareID(share)
	for _, e := range entities {
		if a, ok := v.w.ShareAssociations.Get(world.ShareAssociationKey(id, e)); ok {
			a.Status = status
			out = append(out, v.association(a))
		}
	}
	return out
}

// association describes an association.
func (v view) association(a world.ShareAssociation) ramapi.ResourceShareAssociation {
	r, _ := v.w.ResourceShares.Get(a.Share)
	if a.Status != world.ShareDisassociating {
		a = v.w.Settled(a, v.now)
	}
	out := ramapi.ResourceShareAssociation{
		ResourceShareArn: new(r.ARN()), ResourceShareName: new(r.Name), AssociatedEntity: new(a.Entity), AssociationType: new("RESOURCE"),
		Status: new(a.Status), StatusMessage: given(a.Why), CreationTime: new(a.Created), LastUpdatedTime: new(a.Updated), External: new(a.Principal),
	}
	if a.Principal {
		out.AssociationType = new("PRINCIPAL")
	}
	return out
}

// GetResourceShareAssociations lists the resources or the principals of the caller's shares.
func (s *Service) GetResourceShareAssociations(_ context.Context, c world.Caller, in *ramapi.GetResourceShareAssociationsInput) (*ramapi.GetResourceShareAssociationsOutput, error) {
	principals := *in.AssociationType == "PRINCIPAL"
	switch {
	case *in.AssociationType == "SOURCE":
		return nil, awserr.RAMUnbuilt("Service principals, and sources they are limited to, are")
	case principals && in.ResourceArn != nil:
		return nil, awserr.RAMInvalid("You cannot specify a resource ARN when the association type is PRINCIPAL.")
	case !principals && in.Principal != nil:
		return nil, awserr.RAMInvalid("You cannot specify a principal when the association type is RESOURCE.")
	}
	v := s.look(c)
	for _, arn := range in.ResourceShareArns {
		r, err := v.told(arn)
		if err == nil && !r.OwnedBy(c) {
			err = awserr.RAMUnknown("ResourceShare", arn)
		}
		if err != nil {
			return nil, err
		}
	}
	rows := v.associations(principals, func(r world.ResourceShare, a world.ShareAssociation) bool {
		return r.OwnedBy(c) && among(r.ARN(), in.ResourceShareArns) && is(a.Entity, in.ResourceArn) && is(a.Entity, in.Principal) &&
			is(v.w.Settled(a, v.now).Status, in.AssociationStatus)
	})
	out, next, err := page(paged{in.MaxResults, in.NextToken}, rows, world.ShareAssociation.RowID, v.association)
	return &ramapi.GetResourceShareAssociationsOutput{ResourceShareAssociations: out, NextToken: next}, err
}

// associations are the associations of one kind, of all shares, that are told of still and are to be kept.
func (v view) associations(principals bool, keep func(world.ResourceShare, world.ShareAssociation) bool) []world.ShareAssociation {
	return v.w.ShareAssociations.Where(func(a world.ShareAssociation) bool {
		r, _ := v.w.ResourceShares.Get(a.Share)
		past := a.Status == world.ShareDisassociated && v.now.Sub(a.Updated) > memory
		return a.Principal == principals && r.Region == v.c.Region && !past && keep(r, a)
	})
}
