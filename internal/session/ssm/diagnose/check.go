package diagnose

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"kumiko/internal/api/sigv4"
	"kumiko/internal/session/ssm/agent"
	"kumiko/internal/session/ssm/identity"
)

// finding is what came of one check. The words are those of the original. (amazon-ssm-agent, agent/cli/diagnostics.)
type finding struct{ Check, Status, Note string }

// How a check can end.
const (
	success = "Success"
	failed  = "Failed"
	skipped = "Skipped"
)

// How long things may take.
const (
	dialTime = time.Second
	callTime = 2 * time.Second
)

// pidFile names the process of the agent; see package guest.
const pidFile = "/run/amazon-ssm-agent.pid"

// services are those whose reach is checked, in this order.
func services() []string {
	return []string{"ssm", "ec2messages", "ssmmessages", "s3", "kms", "logs", "monitoring"}
}

// check makes all checks at once.
func check(ctx context.Context) []finding {
	who, err := identity.New(ctx)
	var all []func() finding
	all = append(all, func() finding { return metadata(who, err) }, func() finding {
		return finding{"Hybrid instance registration", skipped, "Instance does not have hybrid registration"}
	})
	for _, s := range services() {
		all = append(all, func() finding { return reach(ctx, who, s) })
	}
	all = append(all, func() finding { return credentials(ctx, who) }, service, proxy, func() finding {
		return finding{"SSM Agent version", success, "SSM Agent version is " + agent.Version}
	})
	found := make([]finding, len(all))
	var running sync.WaitGroup
	for i, f := range all {
		running.Go(func() { found[i] = f() })
	}
	running.Wait()
	return found
}

func metadata(who *identity.Identity, err error) finding {
	if err != nil {
		return finding{"EC2 IMDS", failed, "Failed to query IMDS: " + err.Error()}
	}
	return finding{"EC2 IMDS", success, "IMDS is accessible and has instance id " + who.Instance + " in region " + who.Region}
}

// reach tries whether somebody answers at a service's name. What they say is not looked at.
func reach(ctx context.Context, who *identity.Identity, service string) finding {
	f := finding{Check: "Connectivity to " + service + " endpoint", Status: skipped, Note: "Unable to fetch AWS region details"}
	if who == nil {
		return f
	}
	host := service + "." + who.Region + ".amazonaws.com"
	d := net.Dialer{Timeout: dialTime}
	c, err := d.DialContext(ctx, "tcp4", net.JoinHostPort(host, "443"))
	if err != nil {
		f.Status, f.Note = failed, host+" is not reachable: "+strings.Replace(err.Error(), "dial tcp4", "dial tcp", 1)
		return f
	}
	c.Close()
	f.Status, f.Note = success, host+" is reachable"
	return f
}

// credentials asks STS whose the instance's credentials are.
func credentials(ctx context.Context, who *identity.Identity) finding {
	f := finding{Check: "AWS Credentials", Status: skipped, Note: "No credentials available"}
	if who == nil {
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	f.Status = failed
	by, err := who.Credential(ctx)
	if err != nil {
		f.Note = "EC2RoleRequestError: " + strings.TrimPrefix(err.Error(), "EC2RoleRequestError: ")
		return f
	}
	arn, err := caller(ctx, who.Region, by)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		f.Note = "STS call timed out"
	case err != nil:
		f.Note = "Failed call sts endpoint: " + err.Error()
	default:
		f.Status, f.Note = success, fmt.Sprintf("Credentials are for %s and will expire at %s", arn, who.Expires().UTC())
	}
	return f
}

func caller(ctx context.Context, region string, by sigv4.Credential) (string, error) {
	body := []byte("Action=GetCallerIdentity&Version=2011-06-15")
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://sts."+region+".amazonaws.com/", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	by.Sign(r, body, sigv4.Scope{Region: region, Service: "sts"}, time.Now())
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return "", err
	}
	var answer struct {
		ARN   string `xml:"GetCallerIdentityResult>Arn"`
		Error struct{ Code, Message string }
	}
	if err := xml.Unmarshal(b, &answer); err != nil {
		return "", err
	}
	if answer.ARN == "" {
		return "", errors.New(answer.Error.Code + ": " + answer.Error.Message)
	}
	return answer.ARN, nil
}

// service tells whether the agent runs.
func service() finding {
	var pid int
	text, err := os.ReadFile(pidFile)
	if err == nil {
		_, err = fmt.Sscan(string(text), &pid)
	}
	if err == nil {
		err = syscall.Kill(pid, 0)
	}
	if err != nil {
		return finding{"Agent service", failed, "Unable to find ssm agent on this instance"}
	}
	return finding{"Agent service", success, "Agent service is running and is running as expected user"}
}

func proxy() finding {
	for _, name := range []string{"https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"} {
		if v := os.Getenv(name); v != "" {
			return finding{"Proxy configuration", success, "Detected proxy configuration: " + name + "=" + v}
		}
	}
	return finding{"Proxy configuration", skipped, "No proxy configuration detected"}
}
