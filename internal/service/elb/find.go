package elb

import (
	"regexp"
	"strings"

	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// tail is what follows the last slash of an ARN: the digits of an id.
func tail(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// balancer finds a load balancer of the caller's by its ARN.
func balancer(w *world.World, c world.Caller, arn *string) (world.LoadBalancer, error) {
	b, ok := w.LoadBalancers.Get(world.LoadBalancerID("nlb-" + tail(value(arn))))
	if !ok || b.Deleting || !b.OwnedBy(c) || b.ARN() != *arn {
		return b, malformed(arn, "loadbalancer", awserr.ELBCode("LoadBalancerNotFound", "One or more load balancers not found"))
	}
	return b, nil
}

// listener finds a listener of the caller's by its ARN.
func listener(w *world.World, c world.Caller, arn *string) (world.Listener, error) {
	l, ok := w.Listeners.Get(world.ListenerID("lsn-" + tail(value(arn))))
	if b, _ := w.LoadBalancers.Get(l.Balancer); !ok || b.Deleting || !l.OwnedBy(c) || w.ListenerARN(l) != *arn {
		return l, malformed(arn, "listener", awserr.ELBCode("ListenerNotFound", "One or more listeners not found"))
	}
	return l, nil
}

// group finds a target group of the caller's by its ARN.
func group(w *world.World, c world.Caller, arn *string) (world.TargetGroup, error) {
	g, ok := w.TargetGroups.Get(world.TargetGroupID("tg-" + tail(value(arn))))
	if !ok || !g.OwnedBy(c) || g.ARN() != *arn {
		return g, malformed(arn, "targetgroup", awserr.ELBCode("TargetGroupNotFound", "One or more target groups not found"))
	}
	return g, nil
}

// malformed says that a text is no ARN of the kind, or else that there is nothing of that name.
func malformed(arn *string, kind string, absent error) error {
	names := map[string]string{"loadbalancer": "load balancer", "listener": "listener", "targetgroup": "target group"}
	if !strings.HasPrefix(value(arn), "arn:") || !strings.Contains(value(arn), ":elasticloadbalancing:") || !strings.Contains(value(arn), ":"+kind+"/") {
		return awserr.ELBInvalid("'%s' is not a valid %s ARN", value(arn), names[kind])
	}
	return absent
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$`)

// checkName looks at the name of a load balancer or a target group.
func checkName(name, what string) error {
	switch {
	case len(name) > 32:
		return awserr.ELBInvalid("%s name '%s' cannot be longer than '32' characters", what, name)
	case !nameForm.MatchString(name):
		return awserr.ELBInvalid("%s name '%s' can only contain characters that are alphanumeric characters and hyphens(-), and cannot begin or end with one", what, name)
	case strings.HasPrefix(name, "internal-"):
		return awserr.ELBInvalid("%s name '%s' cannot begin with 'internal-'", what, name)
	}
	return nil
}

// securityGroups finds groups of a VPC.
func securityGroups(w *world.World, c world.Caller, vpc world.VPCID, ids []string) ([]world.SecurityGroupID, error) {
	var out []world.SecurityGroupID
	for _, id := range ids {
		g, ok := w.SecurityGroups.Get(world.SecurityGroupID(id))
		if !ok || !g.OwnedBy(c) || g.VPC != vpc {
			return nil, awserr.ELBCode("InvalidSecurityGroup", "One or more security groups are invalid")
		}
		out = append(out, g.ID)
	}
	return out, nil
}
