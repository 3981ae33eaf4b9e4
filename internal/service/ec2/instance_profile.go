package ec2

import (
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// findProfile is the instance profile asked for; none when none was.
func findProfile(w *world.World, c world.Caller, in *ec2api.IamInstanceProfileSpecification) (world.InstanceProfile, error) {
	if in == nil {
		return world.InstanceProfile{}, nil
	}
	name, parameter, given := val(in.Name), "iamInstanceProfile.name", val(in.Name)
	if a := val(in.Arn); a != "" {
		if name != "" {
			return world.InstanceProfile{}, awserr.EC2Combination("The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'")
		}
		name, parameter, given = a[strings.LastIndex(a, "/")+1:], "iamInstanceProfile.arn", a
	}
	if name == "" {
		return world.InstanceProfile{}, nil
	}
	p, ok := w.InstanceProfiles.Get(world.IAMKey(c.Account, name))
	if !ok || val(in.Arn) != "" && p.ARN() != *in.Arn {
		return p, awserr.EC2InvalidParameter(parameter, given, "Invalid IAM Instance Profile "+parameter[len("iamInstanceProfile."):])
	}
	return p, nil
}

// give hands an instance a profile; a profile without a name takes the one it has away.
func give(tx *world.Tx, i *world.Instance, p world.InstanceProfile) {
	i.InstanceProfile, i.ProfileID, i.Association = p.Name, p.ID, ""
	if p.Name != "" {
		i.Association = tx.NewID("iip-assoc")
	}
}

// profileOf is an instance's profile as EC2 tells it.
func (v *view) profileOf(i world.Instance) *ec2api.IamInstanceProfile {
	return &ec2api.IamInstanceProfile{Arn: new(v.profileARN(i)), Id: new(i.ProfileID)}
}

// profileARN is the ARN of an instance's profile. One that was deleted since is told by its name.
func (v *view) profileARN(i world.Instance) string {
	if p, _, ok := v.w.ProfileOf(i); ok {
		return p.ARN()
	}
	return world.InstanceProfile{Account: i.Account, Path: "/", Name: i.InstanceProfile}.ARN()
}

func (v *view) profileAssociation(i world.Instance, state string) *ec2api.IamInstanceProfileAssociation {
	return &ec2api.IamInstanceProfileAssociation{
		AssociationId: new(i.Association), InstanceId: new(string(i.ID)), State: new(state), IamInstanceProfile: v.profileOf(i),
	}
}

// AssociateIamInstanceProfile hands an instance a profile. Its metadata tells of it at once.
func (s *Service) AssociateIamInstanceProfile(ctx context.Context, c world.Caller, in *ec2api.AssociateIamInstanceProfileInput) (*ec2api.AssociateIamInstanceProfileOutput, error) {
	if err := need("InstanceId", in.InstanceId); err != nil {
		return nil, err
	}
	var i world.Instance
	v, err := s.update(ctx, c, nil, func(tx *world.Tx) (err error) {
		if i, err = find(&tx.Instances, c, "instance", in.InstanceId); err != nil {
			return err
		}
		if i.Power == world.Terminated {
			return awserr.EC2IncorrectState("The instance '" + string(i.ID) + "' is not in a state from which a profile can be associated.")
		}
		p, err := chosen(&tx.World, c, in.IamInstanceProfile)
		if err != nil {
			return err
		}
		if i.InstanceProfile != "" {
			return awserr.EC2Code("IncorrectState", "There is an existing association for instance %s", i.ID)
		}
		give(tx, &i, p)
		tx.Instances.Put(i)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.AssociateIamInstanceProfileOutput{IamInstanceProfileAssociation: v.profileAssociation(i, "associating")}, nil
}

// chosen is the instance profile a request must name.
func chosen(w *world.World, c world.Caller, in *ec2api.IamInstanceProfileSpecification) (world.InstanceProfile, error) {
	p, err := findProfile(w, c, in)
	if err == nil && p.Name == "" {
		err = awserr.EC2MissingParameter("IamInstanceProfile")
	}
	return p, err
}

// associated is the caller's instance with an association.
func associated(w *world.World, c world.Caller, id *string) (world.Instance, error) {
	if err := checkAssociation(val(id)); err != nil {
		return world.Instance{}, err
	}
	for _, i := range mine(&w.Instances, c) {
		if i.Association == *id {
			return i, nil
		}
	}
	return world.Instance{}, awserr.EC2Code("NoSuchAssociation", "The association '%s' does not exist", *id)
}

func checkAssociation(id string) error {
	if digits, ok := strings.CutPrefix(id, "iip-assoc-"); !ok || len(digits) != 17 || strings.Trim(digits, "0123456789abcdef") != "" {
		return awserr.EC2Code("InvalidAssociationID.Malformed", "Invalid id: %q (expecting \"iip-assoc-...\")", id)
	}
	return nil
}

// DisassociateIamInstanceProfile takes an instance's profile away.
func (s *Service) DisassociateIamInstanceProfile(ctx context.Context, c world.Caller, in *ec2api.DisassociateIamInstanceProfileInput) (*ec2api.DisassociateIamInstanceProfileOutput, error) {
	var old world.Instance
	v, err := s.update(ctx, c, nil, func(tx *world.Tx) (err error) {
		if old, err = associated(&tx.World, c, in.AssociationId); err != nil {
			return err
		}
		i := old
		give(tx, &i, world.InstanceProfile{})
		tx.Instances.Put(i)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.DisassociateIamInstanceProfileOutput{IamInstanceProfileAssociation: v.profileAssociation(old, "disassociating")}, nil
}

// ReplaceIamInstanceProfileAssociation hands an instance another profile than it has.
func (s *Service) ReplaceIamInstanceProfileAssociation(ctx context.Context, c world.Caller, in *ec2api.ReplaceIamInstanceProfileAssociationInput) (*ec2api.ReplaceIamInstanceProfileAssociationOutput, error) {
	var i world.Instance
	v, err := s.update(ctx, c, nil, func(tx *world.Tx) (err error) {
		if i, err = associated(&tx.World, c, in.AssociationId); err != nil {
			return err
		}
		p, err := chosen(&tx.World, c, in.IamInstanceProfile)
		if err != nil {
			return err
		}
		give(tx, &i, p)
		tx.Instances.Put(i)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.ReplaceIamInstanceProfileAssociationOutput{IamInstanceProfileAssociation: v.profileAssociation(i, "associating")}, nil
}

// DescribeIamInstanceProfileAssociations lists the instance profiles that instances have.
func (s *Service) DescribeIamInstanceProfileAssociations(_ context.Context, c world.Caller, in *ec2api.DescribeIamInstanceProfileAssociationsInput) (*ec2api.DescribeIamInstanceProfileAssociationsOutput, error) {
	for _, id := range in.AssociationIds {
		if err := checkAssociation(id); err != nil {
			return nil, err
		}
	}
	v := s.look(c)
	var rows []world.Instance
	for _, i := range v.liveInstances() {
		if i.Association != "" && i.Power != world.Terminated && (len(in.AssociationIds) == 0 || slices.Contains(in.AssociationIds, i.Association)) {
			rows = append(rows, i)
		}
	}
	filters := listing.Filters[world.Instance]{Fields: map[string]func(world.Instance) []string{
		"instance-id": one(func(i world.Instance) world.InstanceID { return i.ID }),
		"state":       one(func(world.Instance) string { return "associated" }),
	}}
	page, next, err := list(query{filters: in.Filters, size: in.MaxResults, token: in.NextToken}, rows, filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeIamInstanceProfileAssociationsOutput{NextToken: next, IamInstanceProfileAssociations: each(page,
		func(i world.Instance) ec2api.IamInstanceProfileAssociation {
			return *v.profileAssociation(i, "associated")
		})}, nil
}
