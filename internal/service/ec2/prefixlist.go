package ec2

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// awsOwner is the owner of the prefix lists that AWS keeps.
const awsOwner = "AWS"

func listOwner(l world.ManagedPrefixList) string {
	if l.Account == "" {
		return awsOwner
	}
	return string(l.Account)
}

// lists are the prefix lists the caller can see: those AWS owns in the region, and the account's own.
func (v *view) lists() []world.ManagedPrefixList {
	return append(world.AWSPrefixLists(v.c.Region), mine(&v.w.ManagedPrefixLists, v.c)...)
}

func (v *view) prefixList(l world.ManagedPrefixList) ec2api.ManagedPrefixList {
	out := ec2api.ManagedPrefixList{
		PrefixListId: new(string(l.ID)), PrefixListName: new(l.Name), AddressFamily: new(l.Family), State: new(v.listState(l)),
		OwnerId: new(listOwner(l)), Tags: allTags(l.Meta), PrefixListArn: new(listARN(v.c.Region, l)),
	}
	if l.Account != "" {
		out.MaxEntries, out.Version = new(int32(l.MaxEntries)), new(l.Version)
	}
	return out
}

func listARN(region string, l world.ManagedPrefixList) string {
	return world.ARN("ec2", region, world.AccountID(strings.ToLower(listOwner(l))), "prefix-list/"+string(l.ID))
}

// listUser is a group or a route table that names a prefix list.
type listUser struct {
	id      string
	account world.AccountID
	vpc     world.VPCID
}

// RowID is the user's id.
func (u listUser) RowID() string { return u.id }

// listUsers are the users of a list, by id.
func listUsers(w *world.World, id world.PrefixListID) []listUser {
	var out []listUser
	for t := range w.RouteTables.All() {
		if routesTo(t, id) {
			out = append(out, listUser{string(t.ID), t.Account, t.VPC})
		}
	}
	for r := range w.SecurityGroupRules.In(string(id)) {
		g, _ := w.SecurityGroups.Get(r.Group)
		if u := (listUser{string(g.ID), g.Account, g.VPC}); g.ID != "" && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	slices.SortFunc(out, func(a, b listUser) int { return strings.Compare(a.id, b.id) })
	return out
}

// GetManagedPrefixListAssociations lists the caller's groups and route tables that name a list.
func (s *Service) GetManagedPrefixListAssociations(_ context.Context, c world.Caller, in *ec2api.GetManagedPrefixListAssociationsInput) (*ec2api.GetManagedPrefixListAssociationsOutput, error) {
	v := s.look(c)
	l, err := pickList(v.lists(), in.PrefixListId)
	if err != nil {
		return nil, err
	}
	users := slices.DeleteFunc(listUsers(&v.w, l.ID), func(u listUser) bool {
		p, _ := v.w.VPCs.Get(u.vpc)
		return !p.OwnedBy(c)
	})
	page, next, err := list(query{size: in.MaxResults, token: in.NextToken, dry: in.DryRun}, users, listing.Filters[listUser]{}, listing.EC2(5, 255))
	if err != nil {
		return nil, err
	}
	return &ec2api.GetManagedPrefixListAssociationsOutput{NextToken: next, PrefixListAssociations: each(page, func(u listUser) ec2api.PrefixListAssociation {
		return ec2api.PrefixListAssociation{ResourceId: new(u.id), ResourceOwner: new(string(u.account))}
	})}, nil
}

// listState says whether every VPC whose groups or routes name the list filters by its present entries.
func (v *view) listState(l world.ManagedPrefixList) string {
	word := "create"
	if l.Updated.After(l.Created) {
		word = "modify"
	}
	for _, u := range listUsers(&v.w, l.ID) {
		if !v.seen.Ready(l.Rev, string(u.vpc)) {
			return word + "-in-progress"
		}
	}
	return word + "-complete"
}

// DescribeManagedPrefixLists lists the prefix lists the caller can see.
func (s *Service) DescribeManagedPrefixLists(_ context.Context, c world.Caller, in *ec2api.DescribeManagedPrefixListsInput) (*ec2api.DescribeManagedPrefixListsOutput, error) {
	v := s.look(c)
	filters := listing.Filters[world.ManagedPrefixList]{
		Tags: ownTags(func(l world.ManagedPrefixList) world.Meta { return l.Meta }),
		Fields: map[string]func(world.ManagedPrefixList) []string{
			"prefix-list-id":   one(func(l world.ManagedPrefixList) world.PrefixListID { return l.ID }),
			"prefix-list-name": one(func(l world.ManagedPrefixList) string { return l.Name }),
			"owner-id":         one(listOwner),
		},
	}
	page, next, err := list(query{"prefix-list", in.PrefixListIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun}, v.lists(), filters, listing.EC2(1, 100))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeManagedPrefixListsOutput{PrefixLists: each(page, v.prefixList), NextToken: next}, nil
}

// DescribePrefixLists lists the prefix lists AWS owns.
func (s *Service) DescribePrefixLists(_ context.Context, c world.Caller, in *ec2api.DescribePrefixListsInput) (*ec2api.DescribePrefixListsOutput, error) {
	filters := listing.Filters[world.ManagedPrefixList]{Fields: map[string]func(world.ManagedPrefixList) []string{
		"prefix-list-id":   one(func(l world.ManagedPrefixList) world.PrefixListID { return l.ID }),
		"prefix-list-name": one(func(l world.ManagedPrefixList) string { return l.Name }),
	}}
	page, next, err := list(query{"prefix-list", in.PrefixListIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun},
		world.AWSPrefixLists(c.Region), filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribePrefixListsOutput{NextToken: next, PrefixLists: each(page, func(l world.ManagedPrefixList) ec2api.PrefixList {
		return ec2api.PrefixList{
			PrefixListId: new(string(l.ID)), PrefixListName: new(l.Name),
			Cidrs: each(l.Entries, func(e world.PrefixListEntry) string { return e.CIDR.String() }),
		}
	})}, nil
}

// entryRow is an entry as a row.
type entryRow world.PrefixListEntry

// RowID is the entry's range.
func (e entryRow) RowID() string { return e.CIDR.String() }

// GetManagedPrefixListEntries lists the entries of a prefix list, as they are or as they were in an earlier version.
func (s *Service) GetManagedPrefixListEntries(_ context.Context, c world.Caller, in *ec2api.GetManagedPrefixListEntriesInput) (*ec2api.GetManagedPrefixListEntriesOutput, error) {
	v := s.look(c)
	l, err := pickList(v.lists(), in.PrefixListId)
	if err != nil {
		return nil, err
	}
	entries := l.Entries
	if n := in.TargetVersion; n != nil {
		var ok bool
		if entries, ok = l.At(*n); !ok {
			return nil, noVersion(l, *n)
		}
	}
	rows := each(entries, func(e world.PrefixListEntry) entryRow { return entryRow(e) })
	page, next, err := list(query{size: in.MaxResults, token: in.NextToken, dry: in.DryRun}, rows, listing.Filters[entryRow]{}, listing.EC2(1, 100))
	if err != nil {
		return nil, err
	}
	return &ec2api.GetManagedPrefixListEntriesOutput{NextToken: next, Entries: each(page, func(e entryRow) ec2api.PrefixListEntry {
		out := ec2api.PrefixListEntry{Cidr: new(e.CIDR.String())}
		if e.Description != "" {
			out.Description = new(e.Description)
		}
		return out
	})}, nil
}

func pickList(all []world.ManagedPrefixList, id *string) (world.ManagedPrefixList, error) {
	rows, err := pick("prefix-list", []string{val(id)}, all)
	if err != nil {
		return world.ManagedPrefixList{}, err
	}
	return rows[0], nil
}

// CreateManagedPrefixList makes a prefix list of the caller's own.
func (s *Service) CreateManagedPrefixList(ctx context.Context, c world.Caller, in *ec2api.CreateManagedPrefixListInput) (*ec2api.CreateManagedPrefixListOutput, error) {
	given, err := oneSpec(in.TagSpecifications, "prefix-list")
	if err != nil {
		return nil, err
	}
	l := world.ManagedPrefixList{Name: val(in.PrefixListName), Family: val(in.AddressFamily), MaxEntries: int(val(in.MaxEntries)), Version: 1}
	if l.Family != "IPv4" && l.Family != "IPv6" {
		return nil, awserr.EC2InvalidParameter("addressFamily", l.Family, "Expecting IPv4 or IPv6.")
	}
	if err := checkList(l); err != nil {
		return nil, err
	}
	if l.Entries, err = addEntries(l, in.Entries); err != nil {
		return nil, err
	}
	var id string
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		id, err = tokenCall{c, "CreateManagedPrefixList", in.ClientToken, in}.once(tx, func() (string, error) {
			if atLimit(&tx.ManagedPrefixLists, c, maxPrefixLists) {
				return "", awserr.EC2Limit("PrefixListLimitExceeded", "The maximum number of prefix lists has been reached.")
			}
			l.ID, l.Meta = world.PrefixListID(tx.NewID("pl")), tx.NewMeta(c, given)
			tx.ManagedPrefixLists.Put(l)
			return string(l.ID), nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	row, err := pickList(v.lists(), &id)
	if err != nil {
		return nil, err
	}
	out := v.prefixList(row)
	out.State = new("create-in-progress")
	return &ec2api.CreateManagedPrefixListOutput{PrefixList: &out}, nil
}

func checkList(l world.ManagedPrefixList) error {
	switch {
	case l.Name == "" || len(l.Name) > 255 || strings.HasPrefix(l.Name, "com.amazonaws"):
		return awserr.EC2InvalidParameter("prefixListName", l.Name, "Names have up to 255 characters and do not start with com.amazonaws.")
	case l.MaxEntries < 1 || l.MaxEntries > maxListEntries:
		return awserr.EC2InvalidParameter("maxEntries", itoa(l.MaxEntries), "Expecting a value from 1 to "+itoa(maxListEntries)+".")
	}
	return nil
}

// addEntries are the entries of a list with those of a request; a range that is there gets the new description.
func addEntries(l world.ManagedPrefixList, in []ec2api.AddPrefixListEntry) ([]world.PrefixListEntry, error) {
	out := slices.Clone(l.Entries)
	for n, e := range in {
		p, err := netip.ParsePrefix(val(e.Cidr))
		if err != nil || p.Addr().Is6() != (l.Family == "IPv6") {
			return nil, awserr.EC2InvalidParameter("Cidr", val(e.Cidr), "This is not a valid CIDR block.")
		}
		if len(val(e.Description)) > 255 {
			return nil, awserr.EC2InvalidParameter("Description", *e.Description, "Descriptions have up to 255 characters.")
		}
		p = p.Masked()
		if slices.ContainsFunc(in[:n], func(o ec2api.AddPrefixListEntry) bool { return val(o.Cidr) == val(e.Cidr) }) {
			return nil, awserr.EC2InvalidValue("Duplicate entry '" + p.String() + "'")
		}
		entry := world.PrefixListEntry{CIDR: p, Description: val(e.Description)}
		if i := slices.IndexFunc(out, func(h world.PrefixListEntry) bool { return h.CIDR == p }); i >= 0 {
			out[i] = entry
		} else {
			out = append(out, entry)
		}
	}
	if len(out) > l.MaxEntries {
		return nil, tooManyEntries()
	}
	slices.SortFunc(out, func(a, b world.PrefixListEntry) int { return a.CIDR.Compare(b.CIDR) })
	return out, nil
}

func tooManyEntries() error {
	return awserr.EC2Code("PrefixListMaxEntriesExceeded", "You've reached the maximum number of entries for the prefix list.")
}

// ModifyManagedPrefixList changes a list of the caller's own; each change of entries is a new version.
func (s *Service) ModifyManagedPrefixList(ctx context.Context, c world.Caller, in *ec2api.ModifyManagedPrefixListInput) (*ec2api.ModifyManagedPrefixListOutput, error) {
	out, err := s.changeOwnList(ctx, c, listChange{in.PrefixListId, in.DryRun}, func(l *world.ManagedPrefixList) error { return changeList(l, in) })
	if err != nil {
		return nil, err
	}
	out.State = new("modify-in-progress")
	return &ec2api.ModifyManagedPrefixListOutput{PrefixList: out}, nil
}

// listChange says which list is to change, and whether it is only tried.
type listChange struct {
	id  *string
	dry *bool
}

// changeOwnList changes a list of the caller's own where those who name it have room for what it becomes.
func (s *Service) changeOwnList(ctx context.Context, c world.Caller, q listChange, change func(*world.ManagedPrefixList) error) (*ec2api.ManagedPrefixList, error) {
	var l world.ManagedPrefixList
	v, err := s.update(ctx, c, q.dry, func(tx *world.Tx) error {
		var err error
		if l, err = ownList(tx, c, q.id); err != nil {
			return err
		}
		if err := change(&l); err != nil {
			return err
		}
		if err := roomForList(tx, c, l); err != nil {
			return err
		}
		tx.Touch(&l.Meta)
		tx.ManagedPrefixLists.Put(l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return new(v.prefixList(l)), nil
}

// ownList is a list of the caller's own; those of AWS cannot be changed.
func ownList(tx *world.Tx, c world.Caller, id *string) (world.ManagedPrefixList, error) {
	v := &view{w: tx.World, c: c}
	l, err := pickList(v.lists(), id)
	if err == nil && l.Account == "" {
		err = awserr.EC2Code("UnauthorizedOperation", "You are not authorized to change the prefix list %s: AWS owns it.", l.ID)
	}
	return l, err
}

func changeList(l *world.ManagedPrefixList, in *ec2api.ModifyManagedPrefixListInput) error {
	if val(in.IpamPrefixListResolverSyncEnabled) {
		return unsupported("IPAM is not built.")
	}
	if n := in.PrefixListName; n != nil {
		l.Name = *n
	}
	if n := in.MaxEntries; n != nil {
		if len(in.AddEntries)+len(in.RemoveEntries) > 0 {
			return awserr.EC2Combination("You cannot change the size of a prefix list and its entries in one request")
		}
		if int(*n) < len(l.Entries) {
			return awserr.EC2InvalidParameter("maxEntries", itoa(int(*n)), "The prefix list has more entries.")
		}
		l.MaxEntries = int(*n)
	}
	if err := checkList(*l); err != nil {
		return err
	}
	changes := len(in.AddEntries) + len(in.RemoveEntries)
	if changes == 0 {
		return nil
	}
	switch {
	case changes > maxListChanges:
		return awserr.EC2Limit("InvalidParameterValue", "At most "+itoa(maxListChanges)+" entries can be changed in one request")
	case in.CurrentVersion == nil:
		return awserr.EC2MissingParameter("CurrentVersion")
	case *in.CurrentVersion != l.Version:
		return wrongVersion()
	}
	next := *l
	for _, e := range in.RemoveEntries {
		if slices.ContainsFunc(in.AddEntries, func(a ec2api.AddPrefixListEntry) bool { return val(a.Cidr) == val(e.Cidr) }) {
			return awserr.EC2InvalidValue("Request cannot contain Cidr " + val(e.Cidr) + " in both AddPrefixListEntries and RemovePrefixListEntries")
		}
		p, err := netip.ParsePrefix(val(e.Cidr))
		if err != nil || !slices.ContainsFunc(next.Entries, func(h world.PrefixListEntry) bool { return h.CIDR == p.Masked() }) {
			return awserr.EC2InvalidValue("The prefix list has no entry '" + val(e.Cidr) + "'")
		}
		next.Entries = slices.DeleteFunc(slices.Clone(next.Entries), func(h world.PrefixListEntry) bool { return h.CIDR == p.Masked() })
	}
	entries, err := addEntries(next, in.AddEntries)
	if err != nil {
		return err
	}
	l.Change(entries, maxListVersions)
	return nil
}

func noVersion(l world.ManagedPrefixList, n int64) error {
	return awserr.EC2Code("InvalidPrefixListVersion.NotFound", "The version %d of prefix list %s is not kept; the present one is %d.", n, l.ID, l.Version)
}

func wrongVersion() error {
	return awserr.EC2Code("PrefixListVersionMismatch", "The prefix list has the incorrect version number.")
}

// RestoreManagedPrefixListVersion makes the entries of an earlier version those of a new one.
func (s *Service) RestoreManagedPrefixListVersion(ctx context.Context, c world.Caller, in *ec2api.RestoreManagedPrefixListVersionInput) (*ec2api.RestoreManagedPrefixListVersionOutput, error) {
	out, err := s.changeOwnList(ctx, c, listChange{in.PrefixListId, in.DryRun}, func(l *world.ManagedPrefixList) error {
		if val(in.CurrentVersion) != l.Version {
			return wrongVersion()
		}
		entries, ok := l.At(val(in.PreviousVersion))
		switch {
		case !ok:
			return noVersion(*l, val(in.PreviousVersion))
		case len(entries) > l.MaxEntries:
			return tooManyEntries()
		}
		l.Change(entries, maxListVersions)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.State = new("restore-in-progress")
	return &ec2api.RestoreManagedPrefixListVersionOutput{PrefixList: out}, nil
}

// roomForList checks that the groups and route tables that name a list have room for it as it becomes.
func roomForList(tx *world.Tx, c world.Caller, l world.ManagedPrefixList) error {
	tx.ManagedPrefixLists.Put(l)
	for _, r := range slices.Collect(tx.SecurityGroupRules.In(string(l.ID))) {
		g, _ := tx.SecurityGroups.Get(r.Group)
		if err := (&ruleEdit{tx: tx, c: c, group: g}).checkRoom(); err != nil {
			return err
		}
	}
	for t := range tx.RouteTables.All() {
		if routesTo(t, l.ID) && routesOf(tx, t) > maxRoutes {
			return awserr.EC2Limit("RouteLimitExceeded", "The maximum number of routes has been reached.")
		}
	}
	return nil
}

// routesTo tells whether a table has a route for a list.
func routesTo(t world.RouteTable, id world.PrefixListID) bool {
	return slices.ContainsFunc(t.Routes, func(r world.Route) bool { return r.List == id })
}

// DeleteManagedPrefixList removes a list no rule and no route names.
func (s *Service) DeleteManagedPrefixList(ctx context.Context, c world.Caller, in *ec2api.DeleteManagedPrefixListInput) (*ec2api.DeleteManagedPrefixListOutput, error) {
	var l world.ManagedPrefixList
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		var err error
		if l, err = ownList(tx, c, in.PrefixListId); err != nil {
			return err
		}
		if len(listUsers(&tx.World, l.ID)) > 0 {
			return awserr.EC2Code("DependencyViolation", "The prefix list %s is referenced by other resources and cannot be deleted.", l.ID)
		}
		tx.ManagedPrefixLists.Delete(l.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := v.prefixList(l)
	out.State = new("delete-in-progress")
	return &ec2api.DeleteManagedPrefixListOutput{PrefixList: &out}, nil
}
