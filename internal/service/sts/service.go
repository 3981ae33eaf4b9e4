package sts

import (
	"context"
	"net/http"
	"time"

	"kumiko/internal/api/sealed"
	"kumiko/internal/api/stsapi"
	"kumiko/internal/awserr"
	"kumiko/internal/guard"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// Config is what the service needs.
type Config struct {
	Store *store.Store
	Guard *guard.Guard
	Box   *sealed.Box      // of credentials and messages
	Now   func() time.Time // nil: time.Now
}

// Service does the operations of STS.
type Service struct {
	store *store.Store
	guard *guard.Guard
	box   *sealed.Box
	now   func() time.Time
}

var _ stsapi.Handlers = (*Service)(nil)

// New makes the service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{store: c.Store, guard: c.Guard, box: c.Box, now: c.Now}
}

// GetCallerIdentity says who asks. It needs no permission.
func (s *Service) GetCallerIdentity(_ context.Context, c world.Caller, _ *stsapi.GetCallerIdentityInput) (*stsapi.GetCallerIdentityOutput, error) {
	return &stsapi.GetCallerIdentityOutput{UserId: &c.UserID, Account: new(string(c.Account)), Arn: &c.ARN}, nil
}

// GetAccessKeyInfo says whose an access key is.
func (s *Service) GetAccessKeyInfo(_ context.Context, _ world.Caller, in *stsapi.GetAccessKeyInfoInput) (*stsapi.GetAccessKeyInfoOutput, error) {
	if in.AccessKeyId == nil {
		return nil, awserr.New("ValidationError", http.StatusBadRequest,
			"1 validation error detected: Value null at 'accessKeyId' failed to satisfy constraint: Member must not be null")
	}
	w := s.store.World()
	k, ok := w.AccessKeys.Get(world.AccessKeyID(*in.AccessKeyId))
	if !ok {
		return nil, awserr.New("ValidationError", http.StatusBadRequest, "The access key ID %s is not valid", *in.AccessKeyId)
	}
	return &stsapi.GetAccessKeyInfoOutput{Account: new(string(k.Account))}, nil
}
