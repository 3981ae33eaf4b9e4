package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"kumiko/internal/api/sigv4"
	"kumiko/internal/world"
)

// metadata is where an instance learns of itself. (Amazon EC2 User Guide, "Use IMDSv2".)
const metadata = "http://169.254.169.254/latest/"

// errNoRole says that the instance has no role.
var errNoRole = errors.New("EC2RoleRequestError: no EC2 instance role found")

// identity is who the instance is, as the metadata service says.
type identity struct {
	http http.Client

	Instance string
	Region   string
	Zone     string

	mu      sync.Mutex
	by      sigv4.Credential
	expires time.Time
}

// newIdentity asks the metadata service who we are.
func newIdentity(ctx context.Context) (*identity, error) {
	i := &identity{http: http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
	text, err := i.get(ctx, "dynamic/instance-identity/document")
	if err != nil {
		return nil, err
	}
	var document struct{ InstanceID, Region, AvailabilityZone string }
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return nil, fmt.Errorf("agent: identity document: %w", err)
	}
	i.Instance, i.Region, i.Zone = document.InstanceID, document.Region, document.AvailabilityZone
	return i, nil
}

// get reads a path of the metadata service.
func (i *identity) get(ctx context.Context, path string) (string, error) {
	token, err := i.ask(ctx, http.MethodPut, "api/token", "X-aws-ec2-metadata-token-ttl-seconds", "60")
	if err != nil {
		return "", err
	}
	return i.ask(ctx, http.MethodGet, path, "X-aws-ec2-metadata-token", token)
}

// errNotThere is a path that the metadata service does not have.
var errNotThere = errors.New("not found")

func (i *identity) ask(ctx context.Context, method, path, header, value string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, method, metadata+path, nil)
	if err != nil {
		return "", err
	}
	r.Header.Set(header, value)
	resp, err := i.http.Do(r)
	if err != nil {
		return "", fmt.Errorf("agent: metadata: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	switch {
	case err != nil:
		return "", fmt.Errorf("agent: metadata: %w", err)
	case resp.StatusCode == http.StatusNotFound:
		return "", fmt.Errorf("agent: metadata: %s: %w", path, errNotThere)
	case resp.StatusCode != http.StatusOK:
		return "", fmt.Errorf("agent: metadata: %s: %s", path, resp.Status)
	}
	return string(b), nil
}

// credential is what requests are signed with now.
func (i *identity) credential(ctx context.Context) (sigv4.Credential, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if time.Until(i.expires) > time.Minute {
		return i.by, nil
	}
	role, err := i.get(ctx, "meta-data/iam/security-credentials/")
	if errors.Is(err, errNotThere) {
		return sigv4.Credential{}, errNoRole
	}
	if err != nil {
		return sigv4.Credential{}, err
	}
	role, _, _ = strings.Cut(role, "\n")
	text, err := i.get(ctx, "meta-data/iam/security-credentials/"+role)
	if err != nil {
		return sigv4.Credential{}, err
	}
	var c struct {
		Code, AccessKeyID, SecretAccessKey, Token string
		Expiration                                time.Time
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return sigv4.Credential{}, fmt.Errorf("agent: credentials: %w", err)
	}
	if c.AccessKeyID == "" {
		return sigv4.Credential{}, fmt.Errorf("EC2RoleRequestError: %s", c.Code)
	}
	i.by, i.expires = sigv4.Credential{ID: world.AccessKeyID(c.AccessKeyID), Secret: c.SecretAccessKey, Token: c.Token}, c.Expiration
	// A role that was taken away or changed is noticed within minutes, not only when its credentials expire.
	if soon := time.Now().Add(5 * time.Minute); i.expires.After(soon) {
		i.expires = soon
	}
	return i.by, nil
}

// forget makes credential ask again.
func (i *identity) forget() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.expires = time.Time{}
}

// address is the first address of the instance that is not its own alone.
func address() string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	return ""
}
