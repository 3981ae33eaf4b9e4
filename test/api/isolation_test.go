package api

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// strangers are callers to whom ann's resources in her region do not exist.
func strangers() []caller { return []caller{bob, ann2, empty} }

// TestIsolation makes ann's right calls as others: whoever names something of hers is told that it does not exist, and
// nobody is shown anything of hers or changes it.
func TestIsolation(t *testing.T) {
	c := newCloud(t)
	s := c.populate(t, ann, "ann")
	c.populate(t, bob, "bob")
	c.populate(t, ann2, "far")
	before := annsRows(t, c)
	for _, who := range strangers() {
		for _, op := range s.sortedOps() {
			if who.account == ann.account && global(op) {
				continue // who is no stranger there
			}
			for _, in := range s.bases(op) {
				then := c.store.World()
				a := s.as(who, op, in)
				s.judgeStranger(t, op, string(encode(in)), a)
				if !a.ok() && c.store.World().Rev != then.Rev {
					t.Errorf("%v: %s: refused, but the world changed: %v", who, op, a)
				}
				if now := annsRows(t, c); !maps.Equal(now, before) {
					t.Errorf("%v: %s %s: ann's rows changed: %v", who, op, encode(in), a)
				}
				c.restore(then)
			}
		}
	}
}

// judgeStranger checks that a stranger's call did not find anything of the site's.
func (s *site) judgeStranger(t *testing.T, op, in string, a answer) {
	t.Helper()
	if a.bad != nil || a.status >= 500 {
		t.Errorf("%s: %v %v", op, a, a.bad)
	}
	named := ""
	for name, v := range s.ids() {
		if name == "accessKey" {
			continue
		}
		if strings.Contains(in, v) {
			named = v
		}
		if a.ok() && strings.Contains(a.body, v) && !refusedItem(op, v, a) {
			t.Errorf("%s shows %s of another: %s", op, v, a.body)
		}
	}
	if a.ok() && op != "ssm GetParameters" && op != "ssm DeleteParameters" && // which tell what they were asked
		op != "sts GetAccessKeyInfo" && op != "sts AssumeRole" && // roles are those of all regions
		regexp.MustCompile(`(-|/)ann\b|of ann\b`).MatchString(a.body) && !strings.Contains(in, "fresh") && !strings.Contains(in, "imported-") {
		t.Errorf("%s shows a name of another: %s", op, a.body)
	}
	harmless := strings.HasPrefix(op, "vpc-lattice List") || kindToStrangers(op) || strings.Contains(in, `"Filter"`)
	switch {
	case named == "":
	case a.ok() && !harmless:
		t.Errorf("%s %s succeeds for a stranger: %v", op, in, a)
	case !a.ok() && !notFound.MatchString(a.code) && !strings.Contains(a.message, "availabilityZone") && !strings.Contains(a.message, "doesn't exist") && !strings.Contains(a.message, "is not found") && a.code != "InvalidServiceName": // which another region does not have
		t.Errorf("%s %s: a stranger is not told that it does not exist: %v", op, in, a)
	}
}

// refusedItem tells whether a call over several ids answers only that one of them does not exist.
func refusedItem(op, id string, a answer) bool {
	if op == "ec2 DeleteVpcEndpoints" || op == "ec2 DeleteVpcEndpointServiceConfigurations" {
		return strings.Contains(a.body, "NotFound") && strings.Contains(a.body, "<resourceId>"+id+"</resourceId>")
	}
	if op == "ssm GetConnectionStatus" {
		return strings.Contains(a.body, "notconnected")
	}
	if op == "ec2 ModifyInstanceCreditSpecification" {
		return strings.Contains(a.body, "NotFound") && strings.Contains(a.body, "<successfulInstanceCreditSpecificationSet/>")
	}
	return op == "ec2 CreateFlowLogs" && strings.Contains(a.body, "<flowLogIdSet/>") && strings.Contains(a.body, "NotFound") &&
		strings.Contains(a.body, "<resourceId>"+id+"</resourceId>")
}

// notFound are the codes that say so.
var notFound = regexp.MustCompile(`NotFound|^InvalidInstanceID$|^NoSuchAssociation$|^NoSuchEntity$|DoesNotExist|^InvalidCommandId$|^InvalidInstanceId$|^InvalidDocument$|^InvalidResourceId$|^TargetNotConnected$`)

// annsRows are ann's rows in her region as they are stored, by noun and id.
func annsRows(t *testing.T, c *cloud) map[string]string {
	t.Helper()
	w := c.store.World()
	rows, err := w.Dump()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for noun, byID := range rows {
		for id, raw := range byID {
			text := string(raw)
			if strings.Contains(text, `"Account":"`+ann.account+`"`) && strings.Contains(text, `"Region":"`+ann.region+`"`) {
				out[noun+" "+id] = text
			}
		}
	}
	if len(out) < 40 {
		t.Fatalf("only %d rows of the site were found", len(out))
	}
	return out
}

// TestListsAreOwn: what an account without anything is shown has no rows, but for those of AWS.
func TestListsAreOwn(t *testing.T) {
	c := newCloud(t)
	s := c.populate(t, ann, "ann")
	aws := []string{"ec2 DescribeAccountAttributes", "ec2 DescribeAvailabilityZones", "ec2 DescribeImages", "ec2 DescribeInstanceTypes",
		"ec2 DescribeInstanceTypeOfferings", "ec2 DescribeRegions", "ec2 DescribePrefixLists", "ec2 DescribeManagedPrefixLists", "ec2 DescribeVpcEndpointServices",
		"route53resolver ListResolverRules", "ssm ListDocuments", "iam ListPolicies"}
	for _, op := range s.sortedOps() {
		name := strings.Fields(op)[1]
		if !strings.HasPrefix(name, "Describe") && !strings.HasPrefix(name, "List") || slices.Contains(aws, op) {
			continue
		}
		a := s.as(empty, op, object{})
		if a.ok() && (strings.Contains(a.body, "<item>") || regexp.MustCompile(`\[\{`).MatchString(a.body)) {
			t.Errorf("%s: %s", op, a.body)
		}
	}
}

// TestSameNames: what is unique in an account and region may be in another, too.
func TestSameNames(t *testing.T) {
	c := newCloud(t)
	for _, who := range []caller{ann, bob, ann2} {
		s := c.populate(t, who, "same")
		if a := s.call("ec2 CreateKeyPair", s.parse(`{"KeyName":"key-same","KeyType":"ed25519"}`)); a.code != "InvalidKeyPair.Duplicate" {
			t.Errorf("%v: %v", who, a)
		}
	}
}
