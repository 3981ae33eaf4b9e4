package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// ConfigFile may change what the agent does; it need not exist.
const ConfigFile = "/etc/amazon/ssm/amazon-ssm-agent.json"

// Version is the release of amazon-ssm-agent whose features this one has.
const Version = "3.3.1611.0"

// config is the agent's configuration: the keys of the original that have a meaning here, and how fast it notices things.
type config struct {
	Ssm struct{ Endpoint string } // host, instead of ssm.REGION.amazonaws.com
	Mgs struct {
		Region                       string
		Endpoint                     string
		DeniedPortForwardingRemoteIP []string `json:"DeniedPortForwardingRemoteIPs"`
	}
	Kumiko struct {
		HealthSeconds int // how often health is reported
		DialSeconds   int // how long a connection may take
		Attempts      int // how often a call is tried
	}
}

// The defaults. The original reports every five minutes and gives a call two; here people wait for what they changed.
const (
	defaultHealth   = 30
	defaultDial     = 5
	defaultAttempts = 2
)

func readConfig(path string) (config, error) {
	c := config{}
	c.Mgs.DeniedPortForwardingRemoteIP = []string{
		"169.254.169.254", "169.254.169.253", "169.254.169.123", "169.254.169.250", "169.254.169.251", "fd00:ec2::254", "fd00:ec2::253", "fd00:ec2::123", "fd00:ec2::250",
	}
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	k := &c.Kumiko
	for _, v := range []struct {
		is        *int
		otherwise int
	}{{&k.HealthSeconds, defaultHealth}, {&k.DialSeconds, defaultDial}, {&k.Attempts, defaultAttempts}} {
		if *v.is <= 0 {
			*v.is = v.otherwise
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("agent: read configuration: %w", err)
	}
	return c, nil
}

func (c config) health() time.Duration { return time.Duration(c.Kumiko.HealthSeconds) * time.Second }
func (c config) dial() time.Duration   { return time.Duration(c.Kumiko.DialSeconds) * time.Second }
