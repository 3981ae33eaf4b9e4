package app

import (
	"crypto/rand"
	"encoding/json"
	"sync"
	"time"

	"kumiko/internal/api/sealed"
	"kumiko/internal/guard"
	"kumiko/internal/session/imds"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// Lives of the credentials that instances get: how long they hold, and how long the same ones are told. (Amazon EC2 User
// Guide, "Retrieve security credentials from instance metadata".)
const (
	instanceLife  = 6 * time.Hour
	instanceRenew = time.Hour
)

// instanceRoles gives instances the credentials of their profile's role.
type instanceRoles struct {
	store *store.Store
	guard *guard.Guard
	box   *sealed.Box

	mu    sync.Mutex
	given map[world.InstanceID]map[string]grant // by version of the metadata service
}

// grant are credentials an instance was given, and as what.
type grant struct {
	profile, role string // ids
	at            time.Time
	document      []byte
}

func newInstanceRoles(s *store.Store, g *guard.Guard, b *sealed.Box) *instanceRoles {
	return &instanceRoles{store: s, guard: g, box: b, given: map[world.InstanceID]map[string]grant{}}
}

// role is what an instance may act as at this moment.
func (x *instanceRoles) role(i world.Instance) (imds.Role, bool) {
	w := x.store.World()
	i, _ = w.Instances.Get(i.ID)
	p, r, ok := w.ProfileOf(i)
	if !ok {
		x.forget(i.ID)
		return imds.Role{}, false
	}
	info, err := json.MarshalIndent(map[string]string{
		"Code": "Success", "LastUpdated": stamp(time.Now()), "InstanceProfileArn": p.ARN(), "InstanceProfileId": p.ID,
	}, "", "  ")
	if err != nil {
		return imds.Role{}, false
	}
	return imds.Role{Name: r.Name, Info: info, Credentials: func(version string) ([]byte, error) { return x.credentials(&w, i, version) }}, true
}

func (x *instanceRoles) forget(i world.InstanceID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.given, i)
}

// credentials are those the instance has, or new ones when these are of another role or grow old.
func (x *instanceRoles) credentials(w *world.World, i world.Instance, version string) ([]byte, error) {
	p, r, _ := w.ProfileOf(i)
	now := time.Now().UTC()
	if !x.guard.MayAssume(r, "ec2.amazonaws.com") {
		x.forget(i.ID)
		return json.MarshalIndent(map[string]string{
			"Code": "AssumeRoleUnauthorizedAccess", "LastUpdated": stamp(now),
			"Message": "EC2 cannot assume the role " + r.Name + ". Please see documentation at https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc.",
		}, "", "  ")
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if g, ok := x.given[i.ID][version]; ok && g.profile == p.ID && g.role == r.ID && now.Sub(g.at) < instanceRenew {
		return g.document, nil
	}
	session := &world.Session{Issued: now, Expires: now.Add(instanceLife).Truncate(time.Second), Instance: &world.InstanceOrigin{
		ARN: world.ARN("ec2", i.Region, i.Account, "instance/"+string(i.ID)), VPC: i.VPC, Delivery: version,
	}}
	if enis := w.ENIsOf(i.ID); len(enis) > 0 {
		session.Instance.Addr = enis[0].Addr().String()
	}
	v, err := x.box.Issue(rand.Reader, guard.Assumed(r, string(i.ID), session))
	if err != nil {
		return nil, err
	}
	document, err := json.MarshalIndent(struct{ Code, LastUpdated, Type, AccessKeyId, SecretAccessKey, Token, Expiration string }{
		"Success", stamp(now), "AWS-HMAC", string(v.Key), v.Secret, v.Token, stamp(v.Expires),
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	if x.given[i.ID] == nil {
		x.given[i.ID] = map[string]grant{}
	}
	x.given[i.ID][version] = grant{p.ID, r.ID, now, document}
	return document, nil
}

// stamp is a time as the metadata service writes it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
