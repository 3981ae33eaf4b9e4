package scenario

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"kumiko/internal/testkit"
)

const flowGroup = "/core/flows"

// flowLog begins to log what VPC y does.
func (c *core) flowLog() {
	c.T.Helper()
	c.AWS("logs", "create-log-group", "--log-group-name", flowGroup)
	if n := c.Pick("length(Unsuccessful)", "ec2", "create-flow-logs", "--resource-type", "VPC", "--resource-ids", c.y.id, "--traffic-type", "ALL",
		"--log-group-name", flowGroup, "--max-aggregation-interval", "60", "--deliver-logs-permission-arn", "arn:aws:iam::000000000000:role/flows"); n != "0" {
		c.T.Fatalf("%s flow logs could not be made", n)
	}
}

// flowRecords: what passed and what was refused in the story of the peering is told with the right action.
func (c *core) flowRecords() {
	missing := func() (out []string) {
		told := c.AWS("logs", "filter-log-events", "--log-group-name", flowGroup, "--query", "events[].message", "--output", "json")
		var lines []string
		if err := json.Unmarshal([]byte(told), &lines); err != nil {
			c.T.Fatalf("%v in %s", err, told)
		}
		for _, want := range []struct{ port, action string }{{"5001", "ACCEPT"}, {"6001", "REJECT"}, {"5003", "REJECT"}} {
			found := false
			for _, l := range lines {
				// version account eni src dst srcport dstport protocol packets bytes start end action status
				f := strings.Fields(l)
				found = found || len(f) == 14 && f[3] == c.x1.addr && f[6] == want.port && f[7] == "6" && f[12] == want.action && f[13] == "OK"
				if len(f) == 14 && f[6] == "6001" && f[12] == "ACCEPT" {
					c.T.Errorf("refused, and told as %s", l)
				}
			}
			if !found {
				out = append(out, want.action+" of "+want.port)
			}
		}
		if told := c.passages(lines); told != "" {
			out = append(out, "what the firewall forwarded, as its ends have it, but "+told)
		}
		return out
	}
	// A record comes after its window of a minute.
	var left []string
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); {
		if left = missing(); len(left) == 0 {
			return
		}
	}
	c.T.Errorf("no record: %s", strings.Join(left, ", "))
}

// passages gives nothing when what went by the firewall is told at both ends, and twice at the firewall, in and out; else the packets of each
// interface.
func (c *core) passages(lines []string) string {
	packets := map[string]int{}
	for _, l := range lines {
		f := strings.Fields(l)
		if len(f) == 14 && (f[3] == c.y1.addr || f[4] == c.y2.addr) && f[6] == "5005" && f[12] == "ACCEPT" { // the firewall's have its own address
			n, err := strconv.Atoi(f[8])
			if err != nil {
				c.T.Fatalf("%v in %s", err, l)
			}
			packets[f[2]] += n
		}
	}
	n := slices.Sorted(maps.Values(packets))
	if len(n) == 3 && n[0] == n[1] && n[2] == 2*n[0] {
		return ""
	}
	return fmt.Sprint(packets)
}

// analyse runs an analysis of a path and gives whether it was found and the codes of why not.
func (c *core) analyse(path string) string {
	c.T.Helper()
	id := c.Pick("NetworkInsightsAnalysis.NetworkInsightsAnalysisId", "ec2", "start-network-insights-analysis", "--network-insights-path-id", path)
	ask := []string{"ec2", "describe-network-insights-analyses", "--network-insights-analysis-ids", id}
	c.Eventually("analysis "+id, func() bool { return c.Pick("NetworkInsightsAnalyses[0].Status", ask...) == "succeeded" })
	return c.Pick("NetworkInsightsAnalyses[0].[to_string(NetworkPathFound), join(' ', Explanations[].ExplanationCode || `[]`)] | join(' ', @)", ask...)
}

// The Reachability Analyzer says of a path what the packet finds, before and after a rule allows it.
func (c *core) analysis() {
	c.serve(c.y1, "5009")
	path := c.Pick("NetworkInsightsPath.NetworkInsightsPathId", "ec2", "create-network-insights-path", "--source", c.x1.id, "--destination", c.y1.id,
		"--protocol", "tcp", "--destination-port", "5009")
	if got := strings.TrimSpace(c.analyse(path)); got != "false ENI_SG_RULES_MISMATCH" {
		c.T.Errorf("before the rule: %q", got)
	}
	c.agree(c.x1, c.y1.addr, "5009", "sg-in")
	c.allow(c.y.group, "5009", "10.1.0.0/24")
	if got := strings.TrimSpace(c.analyse(path)); got != "true" {
		c.T.Errorf("after the rule: %q", got)
	}
	c.agree(c.x1, c.y1.addr, "5009", "")
}

// A change is foretold without being made; made, it does to packets what was foretold.
func (c *core) foretold() {
	change := []string{"ec2", "revoke-security-group-ingress", "--group-id", c.y.group, "--protocol", "tcp", "--port", "5009", "--cidr", "10.1.0.0/24"}
	out, errs, ok := c.Try(testkit.Binary(c.T), append([]string{"diff", "--output", "json", "--", "aws"}, change...)...)
	var said struct {
		Closes, Opens []struct {
			From             []struct{ ID string }
			To               struct{ ID string }
			Service, Refusal string
		}
	}
	if err := json.Unmarshal([]byte(out), &said); err != nil || ok {
		c.T.Fatalf("diff: %v, succeeded %v: %s%s", err, ok, out, errs)
	}
	found := false
	for _, s := range said.Closes {
		for _, f := range s.From {
			found = found || f.ID == c.x1.id && s.To.ID == c.y1.id && s.Service == "tcp/5009" && strings.HasPrefix(s.Refusal, "sg-in:")
		}
	}
	if !found || len(said.Opens) != 0 {
		c.T.Errorf("foretold: %s", out)
	}
	c.agree(c.x1, c.y1.addr, "5009", "") // nothing was changed
	c.AWS(change...)
	c.agree(c.x1, c.y1.addr, "5009", "sg-in")
	c.agree(c.x1, c.y1.addr, "5001", "")
}
