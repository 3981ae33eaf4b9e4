package agent

import (
	"bufio"
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"kumiko/internal/session/ssm/identity"
)

// ping is what the agent says of itself.
type ping struct {
	InstanceID           string `json:"InstanceId"`
	AgentName            string
	AgentVersion         string
	AgentStatus          string `json:",omitempty"`
	PlatformType         string
	PlatformName         string `json:",omitempty"`
	PlatformVersion      string `json:",omitempty"`
	ComputerName         string `json:",omitempty"`
	IPAddress            string `json:",omitempty"`
	AvailabilityZone     string `json:",omitempty"`
	SSMConnectionChannel string
	HealthPeriodSeconds  int `json:",omitempty"` // after three of them without a word the agent is taken to be lost
}

func (a *agent) ping() ping {
	name, version := platform()
	host, _ := os.Hostname() // empty is a name, too
	return ping{
		InstanceID: a.Instance, AgentName: "amazon-ssm-agent", AgentVersion: Version, AgentStatus: "Active", PlatformType: "Linux",
		PlatformName: name, PlatformVersion: version, ComputerName: host, IPAddress: identity.Address(), AvailabilityZone: a.Zone,
		SSMConnectionChannel: a.channel(), HealthPeriodSeconds: a.c.Kumiko.HealthSeconds,
	}
}

// reportHealth reports at once and then again and again. The first report that succeeds lets the rest of the agent begin.
func (a *agent) reportHealth(ctx context.Context, began func()) {
	failures := 0
	for {
		a.log.info("HealthCheck", "HealthCheck reporting agent health.")
		err := a.ssm(ctx, "UpdateInstanceInformation", a.ping())
		switch {
		case err == nil:
			failures = 0
			began()
		case ctx.Err() != nil:
			return
		case errors.Is(err, identity.ErrNoRole):
			a.log.error("CredentialRefresher", "Failed to refresh credentials: %v", err)
		default:
			failures++
			a.log.error("HealthCheck", "error when calling AWS APIs. error details - %v", err)
			a.log.info("HealthCheck", "increasing error count by 1")
			var r *refused
			if errors.As(err, &r) {
				a.Forget() // the role may have changed
			}
		}
		t := time.NewTimer(a.c.health())
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
	}
}

// platform is the name and the version of the instance's system. (os-release(5).)
func platform() (name, version string) {
	f, err := os.Open("/etc/os-release")
	if err != nil {
		return "Linux", ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		key, value, _ := strings.Cut(s.Text(), "=")
		switch value = strings.Trim(value, `"`); key {
		case "NAME":
			name = value
		case "VERSION_ID":
			version = value
		}
	}
	return name, version
}
