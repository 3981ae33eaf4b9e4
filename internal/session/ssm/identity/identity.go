package identity

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

// freshness is how long credentials are used without asking for them again: a role that was taken away or changed is
// noticed within minutes, not only when its credentials expire.
const freshness = 5 * time.Minute

// metadata is where an instance learns of itself. (Amazon EC2 User Guide, "Use IMDSv2".)
const metadata = "http://169.254.169.254/latest/"

// ErrNoRole says that the instance has no role.
var ErrNoRole = errors.New("EC2RoleRequestError: no EC2 instance role found")

// Identity is who the instance is. Its methods may be called from any goroutine.
type Identity struct {
	http http.Client

	Instance string
	Region   string
	Zone     string

	mu      sync.Mutex
	by      sigv4.Credential
	expires time.Time
	soon    time.Time // when it is asked for again
}

// New asks the metadata service who we are.
func New(ctx context.Context) (*Identity, error) {
	i := &Identity{http: http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
	text, err := i.Get(ctx, "dynamic/instance-identity/document")
	if err != nil {
		return nil, err
	}
	var document struct{ InstanceID, Region, AvailabilityZone string }
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return nil, fmt.Errorf("identity: document: %w", err)
	}
	i.Instance, i.Region, i.Zone = document.InstanceID, document.Region, document.AvailabilityZone
	return i, nil
}

// Get reads a path of the metadata service.
func (i *Identity) Get(ctx context.Context, path string) (string, error) {
	token, err := i.ask(ctx, http.MethodPut, "api/token", "X-aws-ec2-metadata-token-ttl-seconds", "60")
	if err != nil {
		return "", err
	}
	return i.ask(ctx, http.MethodGet, path, "X-aws-ec2-metadata-token", token)
}

// errNotThere is a path that the metadata service does not have.
var errNotThere = errors.New("not found")

func (i *Identity) ask(ctx context.Context, method, path, header, value string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, method, metadata+path, nil)
	if err != nil {
		return "", err
	}
	r.Header.Set(header, value)
	resp, err := i.http.Do(r)
	if err != nil {
		return "", fmt.Errorf("identity: metadata: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	switch {
	case err != nil:
		return "", fmt.Errorf("identity: metadata: %w", err)
	case resp.StatusCode == http.StatusNotFound:
		return "", fmt.Errorf("identity: metadata: %s: %w", path, errNotThere)
	case resp.StatusCode != http.StatusOK:
		return "", fmt.Errorf("identity: metadata: %s: %s", path, resp.Status)
	}
	return string(b), nil
}

// Credential is what requests are signed with now.
func (i *Identity) Credential(ctx context.Context) (sigv4.Credential, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if time.Now().Before(i.soon) && time.Until(i.expires) > time.Minute {
		return i.by, nil
	}
	role, err := i.Get(ctx, "meta-data/iam/security-credentials/")
	if errors.Is(err, errNotThere) {
		return sigv4.Credential{}, ErrNoRole
	}
	if err != nil {
		return sigv4.Credential{}, err
	}
	role, _, _ = strings.Cut(role, "\n")
	text, err := i.Get(ctx, "meta-data/iam/security-credentials/"+role)
	if err != nil {
		return sigv4.Credential{}, err
	}
	var c struct {
		Code, AccessKeyID, SecretAccessKey, Token string
		Expiration                                time.Time
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return sigv4.Credential{}, fmt.Errorf("identity: credentials: %w", err)
	}
	if c.AccessKeyID == "" {
		return sigv4.Credential{}, fmt.Errorf("EC2RoleRequestError: %s", c.Code)
	}
	i.by, i.expires = sigv4.Credential{ID: world.AccessKeyID(c.AccessKeyID), Secret: c.SecretAccessKey, Token: c.Token}, c.Expiration
	i.soon = time.Now().Add(freshness)
	return i.by, nil
}

// Forget makes Credential ask again.
func (i *Identity) Forget() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.expires = time.Time{}
}

// Expires is when the credentials expire that were asked for last.
func (i *Identity) Expires() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.expires
}

// Known is an identity that need not be asked for: that of a test.
func Known(instance, region string, by sigv4.Credential, until time.Time) *Identity {
	return &Identity{Instance: instance, Region: region, by: by, expires: until, soon: until}
}

// Address is the first address of the instance that is not its own alone.
func Address() string {
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
