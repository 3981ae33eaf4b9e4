package sts

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"kumiko/internal/api/sealed"
	"kumiko/internal/api/stsapi"
	"kumiko/internal/awserr"
	"kumiko/internal/guard"
	"kumiko/internal/policy"
	"kumiko/internal/world"
)

// Lives of sessions. (AWS Security Token Service API Reference, AssumeRole and GetSessionToken.)
const (
	usualRole   = time.Hour
	longChained = time.Hour
	usualToken  = 12 * time.Hour
	longRoot    = time.Hour
)

// maxPacked is the size that a session's policies and tags may have packed, which is told in percent of it.
const maxPacked = 2048

func invalid(format string, args ...any) error {
	return awserr.New("ValidationError", http.StatusBadRequest, format, args...)
}

// AssumeRole gives out credentials of a session of a role.
func (s *Service) AssumeRole(_ context.Context, c world.Caller, in *stsapi.AssumeRoleInput) (*stsapi.AssumeRoleOutput, error) {
	if guard.IsRoot(c) {
		return nil, awserr.New("AccessDenied", http.StatusForbidden, "Roles may not be assumed by root accounts.")
	}
	w := s.store.World()
	r, ok := guard.RoleByARN(&w, *in.RoleArn)
	if !ok { // it went just now, or nobody asked the guard
		return nil, awserr.New("AccessDenied", http.StatusForbidden, "User: %s is not authorized to perform: sts:AssumeRole on resource: %s", c.ARN, *in.RoleArn)
	}
	if in.SerialNumber != nil || in.TokenCode != nil { // there are no devices
		return nil, awserr.New("AccessDenied", http.StatusForbidden, "MultiFactorAuthentication failed with invalid MFA one time pass code.")
	}
	if in.ProvidedContexts != nil {
		return nil, invalid("ProvidedContexts is not built in kumiko.")
	}
	_, chained := guard.RoleOf(&w, c)
	now := s.now().UTC()
	session := &world.Session{Issued: now, Chained: chained, SourceIdentity: value(in.SourceIdentity)}
	if err := s.live(session, r, in.DurationSeconds); err != nil {
		return nil, err
	}
	if err := s.narrow(&w, session, r, in); err != nil {
		return nil, err
	}
	if err := tagSession(session, c, in); err != nil {
		return nil, err
	}
	as := guard.Assumed(r, *in.RoleSessionName, session)
	v, err := s.box.Issue(rand.Reader, as)
	if err != nil {
		return nil, err
	}
	return &stsapi.AssumeRoleOutput{
		Credentials: credentials(v), AssumedRoleUser: &stsapi.AssumedRoleUser{AssumedRoleId: &as.UserID, Arn: &as.ARN},
		PackedPolicySize: packed(session), SourceIdentity: in.SourceIdentity,
	}, nil
}

func credentials(v sealed.Temporary) *stsapi.Credentials {
	return &stsapi.Credentials{AccessKeyId: new(string(v.Key)), SecretAccessKey: new(v.Secret), SessionToken: new(v.Token), Expiration: new(v.Expires)}
}

// live decides how long a session of a role holds.
func (s *Service) live(session *world.Session, r world.Role, seconds *int32) error {
	life := min(usualRole, time.Duration(r.MaxSession)*time.Second)
	if seconds != nil {
		life = time.Duration(*seconds) * time.Second
	}
	if life > time.Duration(r.MaxSession)*time.Second {
		return invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	if session.Chained && life > longChained {
		return invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	session.Expires = session.Issued.Add(life).Truncate(time.Second)
	return nil
}

// narrow takes the policies a session is narrowed to.
func (s *Service) narrow(w *world.World, session *world.Session, r world.Role, in *stsapi.AssumeRoleInput) error {
	if in.Policy != nil {
		if _, err := policy.Parse(*in.Policy, policy.Identity); err != nil {
			var bad *policy.Error
			if errors.As(err, &bad) {
				return awserr.IAMMalformed("%s", bad.Text)
			}
			return err
		}
		session.Policies = []string{*in.Policy}
	}
	for _, p := range in.PolicyArns {
		arn := value(p.Arn)
		own, ok := w.PolicyByARN(arn)
		if _, known := s.guard.ManagedText(w, arn); !known || ok && own.Account != r.Account {
			return invalid("Policy %s does not exist or is not attachable.", arn)
		}
		session.PolicyARNs = append(session.PolicyARNs, arn)
	}
	return nil
}

// tagSession takes the tags of a session, and those it inherits.
func tagSession(session *world.Session, c world.Caller, in *stsapi.AssumeRoleInput) error {
	session.Transitive = in.TransitiveTagKeys
	inherited := map[string]bool{}
	if c.Session != nil {
		for _, t := range c.Session.Tags {
			if slices.ContainsFunc(c.Session.Transitive, func(k string) bool { return strings.EqualFold(k, t.Key) }) {
				session.Tags, inherited[strings.ToLower(t.Key)] = append(session.Tags, t), true
				session.Transitive = append(slices.Clone(session.Transitive), t.Key)
			}
		}
		session.SourceIdentity = cmp.Or(c.Session.SourceIdentity, session.SourceIdentity)
	}
	for _, t := range in.Tags {
		key := strings.ToLower(value(t.Key))
		if inherited[key] {
			return awserr.New("InvalidParameterValue", http.StatusBadRequest, "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
		inherited[key] = true
		session.Tags = append(session.Tags, world.Tag{Key: value(t.Key), Value: value(t.Value)})
	}
	session.Tags = world.SortTags(session.Tags)
	return nil
}

// packed is how much of the room for policies and tags a session takes, in percent.
func packed(session *world.Session) *int32 {
	size := 0
	for _, p := range append(slices.Clone(session.Policies), session.PolicyARNs...) {
		size += len(p)
	}
	for _, t := range session.Tags {
		size += len(t.Key) + len(t.Value)
	}
	if size == 0 {
		return nil
	}
	return new(int32(max(1, size*100/maxPacked)))
}

// GetSessionToken gives out temporary credentials of the caller's own.
func (s *Service) GetSessionToken(_ context.Context, c world.Caller, in *stsapi.GetSessionTokenInput) (*stsapi.GetSessionTokenOutput, error) {
	if c.Session != nil {
		return nil, awserr.New("AccessDenied", http.StatusForbidden, "Cannot call GetSessionToken with session credentials")
	}
	if in.SerialNumber != nil || in.TokenCode != nil {
		return nil, awserr.New("AccessDenied", http.StatusForbidden, "MultiFactorAuthentication failed with invalid MFA one time pass code.")
	}
	life := usualToken
	if in.DurationSeconds != nil {
		life = time.Duration(*in.DurationSeconds) * time.Second
	}
	if guard.IsRoot(c) {
		life = min(life, longRoot)
	}
	now := s.now().UTC()
	c.Session = &world.Session{Issued: now, Expires: now.Add(life).Truncate(time.Second)}
	v, err := s.box.Issue(rand.Reader, c)
	if err != nil {
		return nil, err
	}
	return &stsapi.GetSessionTokenOutput{Credentials: credentials(v)}, nil
}

// DecodeAuthorizationMessage tells what an encoded message of a refusal says, to the account that was refused.
func (s *Service) DecodeAuthorizationMessage(_ context.Context, c world.Caller, in *stsapi.DecodeAuthorizationMessageInput) (*stsapi.DecodeAuthorizationMessageOutput, error) {
	var m guard.Message
	if !s.box.Open(guard.MessagePurpose, value(in.EncodedMessage), &m) || policy.AccountOf(m.Context.Principal.ARN) != string(c.Account) {
		return nil, awserr.New("InvalidAuthorizationMessageException", http.StatusBadRequest, "Message is not valid")
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return &stsapi.DecodeAuthorizationMessageOutput{DecodedMessage: new(string(raw))}, nil
}

func value(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
