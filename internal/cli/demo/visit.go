package demo

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

func names(ctx context.Context, s *stage) error {
	s.title("6. A1 asks the resolver of its VPC")
	a1 := s.vpcs["a"].instances[0]
	for _, r := range s.network.resources {
		out, err := s.inside(ctx, a1, "dig "+r.name, "dig", "+nocookie", r.name)
		if err != nil {
			return err
		}
		if !strings.Contains(out, "129.224.") {
			return fmt.Errorf("%s has no address in A", r.name)
		}
	}
	s.note("in B, which is not associated, the name says nothing:")
	r := s.network.resources[0]
	out, err := s.inside(ctx, r.instance, "dig +short "+r.name, "dig", "+short", r.name)
	if err == nil && strings.TrimSpace(out) != "" {
		return fmt.Errorf("%s has the address %s in B", r.name, out)
	}
	return err
}

// visit is what is asked of each machine, as in the transcript.
const visit = `hostname -i
TOKEN=$(curl -s -X PUT http://169.254.169.254/latest/api/token -H "X-aws-ec2-metadata-token-ttl-seconds: 21600")
curl -s -H "X-aws-ec2-metadata-token: $TOKEN" http://169.254.169.254/latest/meta-data/instance-id
echo`

func logins(ctx context.Context, s *stage) error {
	s.title("7. A1 logs in to the three machines")
	a1 := s.vpcs["a"].instances[0]
	if err := s.putKey(ctx, a1); err != nil {
		return err
	}
	for _, r := range s.network.resources {
		ssh := "ssh -i demo.pem -o StrictHostKeyChecking=accept-new ec2-user@" + r.name + " '" + visit + "'"
		out, err := s.inside(ctx, a1, ssh, "sh", "-c", "cd && "+ssh+" 2>/dev/null")
		if err != nil {
			return err
		}
		if !strings.Contains(out, r.instance.addr) || !strings.Contains(out, r.instance.id) {
			return fmt.Errorf("%s did not lead to %s (%s, %s)", r.name, r.instance.name, r.instance.addr, r.instance.id)
		}
		s.note("that is %s: %s, %s", r.instance.name, r.instance.addr, r.instance.id)
	}
	ssh := "ssh -tt -i demo.pem ec2-user@" + s.network.resources[0].name
	s.note("and by hand, twice:")
	for _, typed := range []string{"exit", `hostname\nexit`} {
		if _, err := s.inside(ctx, a1, ssh, "sh", "-c", "cd && printf '"+typed+`\n' | `+ssh+` 2>/dev/null | tr -d '\r'`); err != nil {
			return err
		}
	}
	s.note("the last login came from an address of the resource gateway, not from A1's")
	return nil
}

// putKey gives the instance the private key.
func (s *stage) putKey(ctx context.Context, i *instance) error {
	c := exec.CommandContext(ctx, s.binary, "exec", "-T", i.id, "--", "sh", "-c", "umask 077 && cat > ~/demo.pem")
	c.Env, c.Stdin = s.environ, strings.NewReader(s.key+"\n")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("copy the key to %s: %w: %s", i.name, err, out)
	}
	return nil
}

func accessLogs(ctx context.Context, s *stage) error {
	s.title("8. The access logs: a record a connection")
	for _, stream := range []string{s.network.resources[0].configuration, s.network.id} {
		err := s.until(ctx, func(out string) bool { return strings.Contains(out, "sourceIpPort") },
			"logs", "get-log-events", "--log-group-name", logGroup, "--log-stream-name", "/aws/vpc-lattice/resource-access-logs/"+stream,
			"--start-from-head", "--query", "events[].[message]", "--output", "text")
		if err != nil {
			return err
		}
	}
	return nil
}
