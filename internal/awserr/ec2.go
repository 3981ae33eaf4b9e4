package awserr

import (
	"net/http"
	"strings"

	"kumiko/internal/world"
)

// Noun is a kind of EC2 resource with the words EC2's errors use for it. (Amazon EC2 API Reference, "Error codes".)
type Noun struct {
	Code   string // Invalid<Code>.NotFound and Invalid<Code>.Malformed
	Text   string // in "The <Text> 'x' does not exist"
	Plural string // of Text
	Short  string // in "The <Short> 'x' has dependencies and cannot be deleted."
	Hint   string // the prefix of an id
}

// noun is the row of the table for a noun of package world.
func noun(name string) (Noun, bool) {
	n, ok := map[string]Noun{
		"vpc":                                    {"VpcID", "vpc ID", "vpc IDs", "vpc", "vpc-"},
		"subnet":                                 {"SubnetID", "subnet ID", "subnet IDs", "subnet", "subnet-"},
		"route-table":                            {"RouteTableID", "routeTable ID", "routeTable IDs", "routeTable", "rtb-"},
		"route-table-association":                {"AssociationID", "association ID", "association IDs", "association", "rtbassoc-"},
		"vpc-cidr-association":                   {"VpcCidrBlockAssociationID", "vpc CIDR block association ID", "vpc CIDR block association IDs", "association", "vpc-cidr-assoc-"},
		"network-acl-association":                {"AssociationID", "association ID", "association IDs", "association", "aclassoc-"},
		"subnet-cidr-reservation":                {"SubnetCidrReservationID", "subnet CIDR reservation ID", "subnet CIDR reservation IDs", "reservation", "scr-"},
		"network-interface-permission":           {"PermissionID", "network interface permission ID", "network interface permission IDs", "permission", "eni-perm-"},
		"network-interface-attachment":           {"AttachmentID", "attachment ID", "attachment IDs", "attachment", "eni-attach-"},
		"network-acl":                            {"NetworkAclID", "networkAcl ID", "networkAcl IDs", "networkAcl", "acl-"},
		"security-group":                         {"Group", "security group", "security groups", "security group", "sg-"},
		"security-group-rule":                    {"SecurityGroupRuleId", "security group rule ID", "security group rule IDs", "security group rule", "sgr-"},
		"network-interface":                      {"NetworkInterfaceID", "networkInterface ID", "networkInterface IDs", "networkInterface", "eni-"},
		"instance":                               {"InstanceID", "instance ID", "instance IDs", "instance", "i-"},
		"key-pair":                               {"KeyPair", "key pair", "key pairs", "key pair", ""},
		"key-pair-id":                            {"KeyPair", "key pair ID", "key pair IDs", "key pair", "key-"},
		"image":                                  {"AMIID", "image id", "image ids", "image", "ami-"},
		"prefix-list":                            {"PrefixListID", "prefix list ID", "prefix list IDs", "prefix list", "pl-"},
		"dhcp-options":                           {"DhcpOptionID", "dhcpOption ID", "dhcpOption IDs", "dhcpOptions", "dopt-"},
		"volume":                                 {"Volume", "volume", "volumes", "volume", "vol-"},
		"internet-gateway":                       {"InternetGatewayID", "internetGateway ID", "internetGateway IDs", "internetGateway", "igw-"},
		"address":                                {"AllocationID", "allocation ID", "allocation IDs", "address", "eipalloc-"},
		"address-association":                    {"AssociationID", "association ID", "association IDs", "association", "eipassoc-"},
		"egress-only-internet-gateway":           {"GatewayID", "egress only internet gateway ID", "egress only internet gateway IDs", "egressOnlyInternetGateway", "eigw-"},
		"gateway":                                {"GatewayID", "gateway ID", "gateway IDs", "gateway", "igw-"},
		"nat-gateway":                            {"NatGatewayID", "natGateway ID", "natGateway IDs", "natGateway", "nat-"},
		"vpc-peering-connection":                 {"VpcPeeringConnectionID", "vpcPeeringConnection ID", "vpcPeeringConnection IDs", "vpcPeeringConnection", "pcx-"},
		"vpc-endpoint":                           {"VpcEndpointId", "Vpc Endpoint Id", "Vpc Endpoint Ids", "vpc endpoint", "vpce-"},
		"vpc-endpoint-service":                   {"VpcEndpointServiceId", "VpcEndpointService Id", "VpcEndpointService Ids", "vpc endpoint service", "vpce-svc-"},
		"network-insights-path":                  {"NetworkInsightsPathId", "network insights path ID", "network insights path IDs", "network insights path", "nip-"},
		"network-insights-analysis":              {"NetworkInsightsAnalysisId", "network insights analysis ID", "network insights analysis IDs", "network insights analysis", "nia-"},
		"network-insights-access-scope":          {"NetworkInsightsAccessScopeId", "network insights access scope ID", "network insights access scope IDs", "network insights access scope", "nis-"},
		"network-insights-access-scope-analysis": {"NetworkInsightsAccessScopeAnalysisId", "network insights access scope analysis ID", "network insights access scope analysis IDs", "network insights access scope analysis", "nisa-"},
	}[name]
	return n, ok
}

// EC2NotFound says that resources of a noun (named as in package world, e.g. "subnet") do not exist.
func EC2NotFound(name string, ids ...string) *Error {
	n, ok := noun(name)
	if !ok {
		return EC2InvalidValue("The " + name + " '" + strings.Join(ids, ", ") + "' does not exist")
	}
	id := strings.Join(ids, ", ")
	if name == "nat-gateway" {
		return New("NatGatewayNotFound", http.StatusBadRequest, "NatGateway %s was not found", id)
	}
	if name == "image" {
		id = "[" + id + "]"
	}
	text, verb := n.Text, "does"
	if len(ids) > 1 {
		text, verb = n.Plural, "do"
	}
	return New("Invalid"+n.Code+".NotFound", http.StatusBadRequest, "The %s '%s' %s not exist", text, id, verb)
}

// EC2Malformed says that id is no id of the noun.
func EC2Malformed(name, id string) *Error {
	n, _ := noun(name)
	code := n.Code
	switch name {
	case "security-group":
		code = "GroupId"
	case "vpc-peering-connection":
		code = "VpcPeeringConnectionId"
	case "vpc-endpoint-service":
		code = "VpcEndpointServiceIdId" // so AWS writes it
	case "nat-gateway":
		return New("NatGatewayMalformed", http.StatusBadRequest, "Invalid id: %q (expecting %q)", id, n.Hint+"...")
	}
	if n.Hint == "" {
		return New("Invalid"+code+".Malformed", http.StatusBadRequest, "Invalid id: %q", id)
	}
	return New("Invalid"+code+".Malformed", http.StatusBadRequest, "Invalid id: %q (expecting %q)", id, n.Hint+"...")
}

// EC2CheckID is EC2Malformed unless id has the form of the noun's ids: the prefix and 8 or 17 lower-case hexadecimal digits.
func EC2CheckID(name, id string) error {
	n, ok := noun(name)
	if !ok {
		return nil
	}
	digits, ok := strings.CutPrefix(id, n.Hint)
	if !ok || len(digits) != 8 && len(digits) != 17 || strings.Trim(digits, "0123456789abcdef") != "" {
		return EC2Malformed(name, id)
	}
	return nil
}

// EC2Dependency says that a resource cannot be deleted because others need it.
func EC2Dependency(name, id string) *Error {
	n, _ := noun(name)
	text := "The " + n.Short + " '" + id + "' has dependencies and cannot be deleted."
	if name == "security-group" {
		text = "resource " + id + " has a dependent object"
	}
	return New("DependencyViolation", http.StatusBadRequest, "%s", text)
}

// EC2MissingParameter says that a required parameter is not there.
func EC2MissingParameter(parameter string) *Error {
	return New("MissingParameter", http.StatusBadRequest, "The request must contain the parameter %s", parameter)
}

// EC2InvalidParameter says that the value of a parameter is wrong, and why.
func EC2InvalidParameter(parameter, value, why string) *Error {
	return New("InvalidParameterValue", http.StatusBadRequest, "Value (%s) for parameter %s is invalid. %s", value, parameter, why)
}

// EC2InvalidValue is InvalidParameterValue with a text of the caller's.
func EC2InvalidValue(text string) *Error {
	return New("InvalidParameterValue", http.StatusBadRequest, "%s", text)
}

// EC2Combination says that parameters do not go together.
func EC2Combination(text string) *Error {
	return New("InvalidParameterCombination", http.StatusBadRequest, "%s", text)
}

// EC2NotPermitted says that the operation is never allowed on this resource.
func EC2NotPermitted(text string) *Error {
	return New("OperationNotPermitted", http.StatusBadRequest, "%s", text)
}

// EC2IncorrectState says that the instance's state forbids the operation.
func EC2IncorrectState(text string) *Error {
	return New("IncorrectInstanceState", http.StatusBadRequest, "%s", text)
}

// EC2DryRun is the answer to a request with DryRun that would have succeeded.
func EC2DryRun() *Error {
	return New("DryRunOperation", http.StatusPreconditionFailed, "Request would have succeeded, but DryRun flag is set.")
}

// EC2IdempotentMismatch says that a client token was used before with other parameters.
func EC2IdempotentMismatch(token string) *Error {
	return New("IdempotentParameterMismatch", http.StatusBadRequest,
		"The client token %s you have provided is associated with a different set of parameters than the ones you are using in the current request.", token)
}

// EC2NoAddresses says that a subnet has too few addresses left.
func EC2NoAddresses(subnet string) *Error {
	return New("InsufficientFreeAddressesInSubnet", http.StatusBadRequest,
		"There are not enough free addresses in subnet '%s' to satisfy the requested number of instances.", subnet)
}

// EC2InvalidFilter says that there is no filter of that name.
func EC2InvalidFilter(name string) *Error {
	return EC2InvalidValue("The filter '" + name + "' is invalid")
}

// EC2Unauthorized says that a policy denies the action ("ec2:RunInstances").
func EC2Unauthorized(action string) *Error {
	return New("UnauthorizedOperation", http.StatusForbidden, "You are not authorized to perform this operation: %s", action)
}

// ec2From turns an error of the domain into EC2's.
func ec2From(w *world.Error) *Error {
	switch w.Kind {
	case world.NotFound:
		return EC2NotFound(w.Noun, w.ID)
	case world.InUse:
		return EC2Dependency(w.Noun, w.ID)
	case world.Exhausted:
		if w.Noun == "subnet" {
			return EC2NoAddresses(w.ID)
		}
		return New("ResourceLimitExceeded", http.StatusBadRequest, "%s", detail(w))
	case world.Conflict:
		switch w.Noun {
		case "subnet":
			return New("InvalidSubnet.Conflict", http.StatusBadRequest, "The CIDR '%s' conflicts with another subnet", w.ID)
		case "key-pair":
			return New("InvalidKeyPair.Duplicate", http.StatusBadRequest, "The keypair already exists")
		case "security-group":
			return New("InvalidGroup.Duplicate", http.StatusBadRequest, "The security group '%s' already exists for VPC '%s'", w.ID, w.By)
		}
		return New("IncorrectState", http.StatusBadRequest, "%s", detail(w))
	}
	return EC2InvalidValue(detail(w))
}

// detail is the text of a domain error for which AWS's is not known.
func detail(w *world.Error) string {
	if w.Message != "" {
		return w.Message
	}
	return w.Error()
}
