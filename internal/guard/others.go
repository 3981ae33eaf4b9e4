package guard

import (
	"cmp"
	"slices"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/world"
)

// profileName is the name of the instance profile an input has.
func profileName(in any) string {
	var p *ec2api.IamInstanceProfileSpecification
	switch in := in.(type) {
	case *ec2api.RunInstancesInput:
		p = in.IamInstanceProfile
	case *ec2api.AssociateIamInstanceProfileInput:
		p = in.IamInstanceProfile
	case *ec2api.ReplaceIamInstanceProfileAssociationInput:
		p = in.IamInstanceProfile
	}
	if p == nil || p.Name == nil {
		return ""
	}
	return *p.Name
}

// logsTargets are the log groups and streams of an operation. (Service Authorization Reference, "Amazon CloudWatch Logs".)
func logsTargets(c call, m members) (out []target) {
	stream := m.first("LogStreamName")
	for _, name := range m.all("LogGroupName", "LogGroupIdentifier", "LogGroupNamePrefix", "ResourceArn", "LogGroupIdentifiers") {
		arn := strings.TrimSuffix(name, ":*")
		if !strings.HasPrefix(arn, "arn:") {
			arn = world.ARN("logs", c.c.Region, c.c.Account, "log-group:"+arn)
		}
		out = append(out, target{arn: arn + ":log-stream:" + stream})
	}
	if len(out) == 0 && c.op == "DescribeLogGroups" {
		out = append(out, target{arn: world.ARN("logs", c.c.Region, c.c.Account, "log-group::log-stream:")})
	}
	return out
}

// ssmTargets are the parameters, documents, instances and sessions of an operation. (Service Authorization Reference, "AWS
// Systems Manager".)
func ssmTargets(w *world.World, c call, m members) (out []target) {
	arn := func(resource string) string { return world.ARN("ssm", c.c.Region, c.c.Account, resource) }
	switch {
	case strings.HasSuffix(c.op, "Resource"):
		kind := map[string]string{"Document": "document/", "Parameter": "parameter/", "ManagedInstance": "managed-instance/"}[m.first("ResourceType")]
		return []target{{arn: arn(kind + strings.TrimPrefix(m.first("ResourceId"), "/"))}}
	case strings.Contains(c.op, "Parameter") && !strings.HasPrefix(c.op, "Describe"):
		for _, name := range m.all("Name", "Names", "Path") {
			if i := strings.Index(name, ":parameter/"); i > 0 {
				name = name[i+len(":parameter/"):]
			}
			name, _, _ = strings.Cut(name, ":")
			out = append(out, target{arn: arn("parameter/" + strings.TrimPrefix(name, "/")), tags: parameterTags(w, c, name)})
		}
		return out
	case strings.Contains(c.op, "Document") && !strings.HasPrefix(c.op, "List"):
		return []target{documentTarget(w, c, m.first("Name"))}
	case strings.HasPrefix(c.op, "Describe") || strings.HasPrefix(c.op, "List") || strings.HasPrefix(c.op, "Get"):
		return nil
	}
	for _, id := range m.all("InstanceId", "InstanceIds", "Target") {
		if ec2ID.MatchString(id) {
			out = append(out, ec2Target(w, c, "instance", id))
			out[len(out)-1].prefix = "ssm"
		}
	}
	if c.op == "SendCommand" && len(m.all("InstanceIds")) == 0 { // whom the tags choose
		out = append(out, target{arn: world.ARN("ec2", c.c.Region, c.c.Account, "instance/*")})
	}
	for _, name := range m.all("DocumentName") {
		out = append(out, documentTarget(w, c, name))
	}
	if c.op == "TerminateSession" || c.op == "ResumeSession" {
		out = append(out, target{arn: arn("session/" + m.first("SessionId"))})
	}
	return out
}

// parameterTags are the tags of a parameter.
func parameterTags(w *world.World, c call, name string) []world.Tag {
	p, _ := w.Parameters.Get(world.ParameterKey(c.c.Account, c.c.Region, name))
	return p.Tags
}

// documentTarget is the document of a name or an ARN; AWS's own belong to no account.
func documentTarget(w *world.World, c call, name string) target {
	name = name[strings.LastIndex(name, "/")+1:]
	if strings.HasPrefix(name, "AWS-") {
		return target{arn: world.ARN("ssm", c.c.Region, "", "document/"+name)}
	}
	d, _ := w.Documents.Get(world.DocumentKey(c.c.Account, c.c.Region, name))
	return target{arn: world.ARN("ssm", c.c.Region, c.c.Account, "document/"+name), tags: d.Tags, prefix: "ssm"}
}

// latticeKinds are the types of VPC Lattice's ARNs by the prefix of ids. (Service Authorization Reference, "Amazon VPC Lattice".)
func latticeKinds() map[string]string {
	return map[string]string{
		"sn": "servicenetwork", "svc": "service", "tg": "targetgroup", "snsa": "servicenetworkserviceassociation",
		"snva": "servicenetworkvpcassociation", "snra": "servicenetworkresourceassociation", "rgw": "resourcegateway",
		"rcfg": "resourceconfiguration", "als": "accesslogsubscription",
	}
}

// latticeMade are the types of what operations of VPC Lattice make.
func latticeMade(op string) string {
	noun, ok := strings.CutPrefix(op, "Create")
	noun = strings.ToLower(noun)
	for _, kind := range latticeKinds() {
		if ok && kind == noun {
			return kind
		}
	}
	return ""
}

// latticeTargets are the resources of an operation of VPC Lattice.
func latticeTargets(w *world.World, c call, m members) (out []target) {
	if strings.HasPrefix(c.op, "List") && c.op != "ListTagsForResource" {
		return nil
	}
	if kind := latticeMade(c.op); kind != "" {
		out = append(out, target{arn: world.ARN("vpc-lattice", c.c.Region, c.c.Account, kind+"/*"), prefix: "vpc-lattice"})
	}
	kinds := latticeKinds()
	for _, x := range m.texts {
		prefix, digits, ok := strings.Cut(x.value, "-")
		switch {
		case strings.HasPrefix(x.value, "arn:") && strings.Contains(x.value, ":vpc-lattice:"):
			out = append(out, target{arn: x.value})
		case ok && kinds[prefix] != "" && len(digits) == 17 && !strings.Contains(digits, "-") && x.name != "ClientToken":
			out = append(out, target{arn: world.ARN("vpc-lattice", c.c.Region, c.c.Account, kinds[prefix]+"/"+x.value)})
		default:
			continue
		}
		t := &out[len(out)-1]
		t.tags, t.prefix = latticeTags(w, t.arn[strings.LastIndex(t.arn, "/")+1:]), "vpc-lattice"
	}
	return out
}

// latticeTags are the tags of a resource of VPC Lattice.
func latticeTags(w *world.World, id string) []world.Tag {
	switch prefix, _, _ := strings.Cut(id, "-"); prefix {
	case "sn":
		return row(&w.ServiceNetworks, id, nil).Tags
	case "snva":
		return row(&w.VPCAssociations, id, nil).Tags
	case "snra":
		return row(&w.ResourceAssociations, id, nil).Tags
	case "rgw":
		return row(&w.ResourceGateways, id, nil).Tags
	case "rcfg":
		return row(&w.ResourceConfigurations, id, nil).Tags
	case "als":
		return row(&w.AccessLogSubscriptions, id, nil).Tags
	}
	return nil
}

// ramTargets are the share, the invitation or the permission of an operation of RAM; most that only read know none. (Service
// Authorization Reference, "AWS Resource Access Manager".)
func ramTargets(w *world.World, c call, m members) []target {
	telling := []string{"GetPermission", "ListPendingInvitationResources", "ListPermissionVersions", "ListResourceSharePermissions"}
	reads := strings.HasPrefix(c.op, "Get") || strings.HasPrefix(c.op, "List")
	arn := m.first("ResourceShareArn", "ResourceShareInvitationArn", "PermissionArn", "ResourceArn")
	if arn == "" || reads && !slices.Contains(telling, c.op) {
		return nil
	}
	s := row(&w.ResourceShares, arn[strings.LastIndex(arn, "/")+1:], nil)
	return []target{{arn: arn, tags: s.Tags, prefix: "ram"}}
}

// iamTargets are the identities, policies and profiles of an operation of IAM. (Service Authorization Reference, "AWS
// Identity and Access Management".)
func iamTargets(w *world.World, c call, m members, k keys) (out []target, more []ask) {
	a := c.c.Account
	if strings.HasPrefix(c.op, "Attach") || strings.HasPrefix(c.op, "Detach") {
		k.set("iam:PolicyARN", m.first("PolicyArn"))
	} else if arn := m.first("PolicyArn", "PolicySourceArn"); arn != "" {
		return []target{{arn: arn}}, nil
	}
	k.set("iam:PermissionsBoundary", m.first("PermissionsBoundary"))
	path := cmp.Or(m.first("Path"), "/")
	if name := m.first("PolicyName"); name != "" && c.op == "CreatePolicy" {
		return []target{{arn: world.IAMARN(a, "policy", path, name)}}, nil
	}
	if strings.Contains(c.op, "InstanceProfile") && c.op != "ListInstanceProfilesForRole" {
		return iamProfile(w, c, m, path)
	}
	if name := m.first("RoleName"); name != "" {
		r, ok := w.Roles.Get(world.IAMKey(a, name))
		if !ok {
			r.Identity = world.Identity{Account: a, Name: name, Path: path}
		}
		return []target{{arn: r.ARN(), tags: r.Tags, prefix: "iam"}}, nil
	}
	if name := m.first("GroupName"); name != "" {
		g, ok := w.Groups.Get(world.IAMKey(a, name))
		if !ok {
			g.Identity = world.Identity{Account: a, Name: name, Path: path}
		}
		return []target{{arn: g.ARN()}}, nil
	}
	return iamUser(w, c, m, path), nil
}

// iamUser is the user an operation is about: the one it names, or else the caller. What lists all is about a path.
func iamUser(w *world.World, c call, m members, path string) []target {
	a, name := c.c.Account, m.first("UserName")
	if noun, ok := map[string]string{"ListUsers": "user", "ListRoles": "role", "ListGroups": "group", "ListPolicies": "policy"}[c.op]; ok {
		return []target{{arn: world.IAMARN(a, noun, cmp.Or(m.first("PathPrefix"), "/"), "")}}
	}
	own := []string{"GetUser", "CreateAccessKey", "DeleteAccessKey", "UpdateAccessKey", "ListAccessKeys", "ListMFADevices", "ListSigningCertificates", "ListSSHPublicKeys"}
	if u, ok := UserOf(w, c.c); name == "" && ok && slices.Contains(own, c.op) {
		name = u.Name
	}
	if name == "" {
		return nil
	}
	u, ok := w.Users.Get(world.IAMKey(a, name))
	if !ok {
		u.Identity = world.Identity{Account: a, Name: name, Path: path}
	}
	return []target{{arn: u.ARN(), tags: u.Tags, prefix: "iam"}}
}

// iamProfile is the instance profile an operation is about. To hand it a role is to pass that role.
func iamProfile(w *world.World, c call, m members, path string) ([]target, []ask) {
	name := m.first("InstanceProfileName")
	p, ok := w.InstanceProfiles.Get(world.IAMKey(c.c.Account, name))
	if !ok {
		p = world.InstanceProfile{Account: c.c.Account, Name: name, Path: cmp.Or(m.first("PathPrefix"), path)}
	}
	var more []ask
	if r, ok := w.Roles.Get(world.IAMKey(c.c.Account, m.first("RoleName"))); ok && c.op == "AddRoleToInstanceProfile" {
		more = append(more, pass(r, "ec2.amazonaws.com"))
	}
	return []target{{arn: p.ARN(), tags: p.Tags}}, more
}
