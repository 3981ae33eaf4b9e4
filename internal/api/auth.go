package api

import (
	"crypto/subtle"
	"net/http"
	"strings"
	"sync"
	"time"

	"kumiko/internal/api/sigv4"
	"kumiko/internal/api/wire"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// Credentials knows the access keys there are.
type Credentials interface {
	// Lookup finds the credentials with an id. Temporary ones are known by the token that came with the request.
	Lookup(id world.AccessKeyID, token string) (Credential, bool)
}

// Credential is an access key with whom it belongs to. Region and RequestID of the caller are filled in from the request.
type Credential struct {
	Secret       string
	SessionToken string    // of temporary credentials
	Expires      time.Time // of temporary credentials; zero: never
	Caller       world.Caller
}

// find reads the signature and sets the exchange's service: that of the signature's scope, else the one the host name has.
func (s *Server) find(x *exchange) (*sigv4.Claim, *awserr.Error) {
	host, hostRegion := awsHost(x.Host)
	if known, ok := s.services[host]; ok {
		x.served = known
	}
	claim, bad := sigv4.Parse(x.Request)
	if bad != nil {
		if claim != nil && x.name == "" { // the refusal is in the words of the service that was meant
			if meant, ok := s.services[claim.Service]; ok {
				x.served = meant
			}
		}
		return nil, x.refuse(bad)
	}
	if x.name != "" && x.name != claim.Service {
		return nil, x.refuse(&sigv4.Error{Reason: sigv4.Mismatch, Text: "Credential should be scoped to correct service: '" + x.name + "'."})
	}
	if x.name != "" && hostRegion != "" && hostRegion != claim.Region {
		return nil, x.refuse(&sigv4.Error{Reason: sigv4.Mismatch, Text: "Credential should be scoped to a valid region, not '" + claim.Region + "'."})
	}
	if way := WayOf(x.Context()); !way.serves(claim.Service, claim.Region) {
		return nil, x.refuse(&sigv4.Error{Reason: sigv4.Mismatch, Text: "The VPC endpoint serves " + way.Service + ", not " + claim.Service + " in " + claim.Region + "."})
	}
	known, ok := s.services[claim.Service]
	if isS3(claim.Service) {
		x.served = s.guesses[wire.S3XML]
	}
	if !ok {
		e := wire.Fault("", x.protocol, wire.NotBuilt, "")
		e.Status, e.Message = http.StatusNotImplemented, "The service "+claim.Service+" is not built in kumiko. docs/coverage.md lists those that are."
		return nil, e
	}
	x.served = known
	return claim, nil
}

// isS3 tells whether a service speaks as S3 does.
func isS3(service string) bool { return service == "s3" || service == "s3express" }

// awsHost is the service and the region in a host name such as ec2.us-east-1.amazonaws.com; global names have no region.
func awsHost(host string) (service, region string) {
	host, _, _ = strings.Cut(strings.ToLower(host), ":")
	name, ok := strings.CutSuffix(strings.TrimSuffix(host, "."), ".amazonaws.com")
	if !ok {
		return "", ""
	}
	service, region, _ = strings.Cut(name, ".")
	if strings.Contains(region, ".") {
		return "", ""
	}
	return service, region
}

// authenticate verifies the signature and says who calls.
func (s *Server) authenticate(x *exchange, claim *sigv4.Claim, body []byte) (world.Caller, *awserr.Error) {
	credential, ok := s.config.Credentials.Lookup(claim.Key, claim.Token)
	if !ok {
		if id := string(claim.Key); s.config.Open && isAccount(id) {
			caller := world.Caller{Account: world.AccountID(id), ARN: "arn:aws:iam::" + id + ":root", UserID: id}
			return x.caller(caller, claim), nil
		}
		return world.Caller{}, wire.Fault(x.name, x.protocol, wire.UnknownKey, "")
	}
	now := s.config.Now()
	if e := claim.Fresh(now); e != nil {
		return world.Caller{}, x.refuse(e)
	}
	if subtle.ConstantTimeCompare([]byte(credential.SessionToken), []byte(claim.Token)) != 1 {
		return world.Caller{}, wire.Fault(x.name, x.protocol, wire.UnknownKey, "")
	}
	key := s.keys.get(keyScope{credential.Secret, claim.Date, claim.Region, claim.Service})
	if e := claim.Verify(x.Request, body, key); e != nil {
		return world.Caller{}, x.refuse(e)
	}
	if !credential.Expires.IsZero() && !now.Before(credential.Expires) {
		return world.Caller{}, wire.Fault(x.name, x.protocol, wire.ExpiredToken, "")
	}
	return x.caller(credential.Caller, claim), nil
}

// caller fills in what the request says of the caller.
func (x *exchange) caller(c world.Caller, claim *sigv4.Claim) world.Caller {
	c.Region, c.RequestID, c.Key = claim.Region, x.id, claim.Key
	return c
}

// refuse is the service's error for a signature that is not accepted.
func (x *exchange) refuse(e *sigv4.Error) *awserr.Error {
	kind := map[sigv4.Reason]wire.FaultKind{
		sigv4.Missing: wire.MissingToken, sigv4.Incomplete: wire.IncompleteSignature, sigv4.Mismatch: wire.BadSignature, sigv4.Skewed: wire.Skewed,
	}[e.Reason]
	return wire.Fault(x.name, x.protocol, kind, e.Text)
}

// isAccount tells whether id is an account number.
func isAccount(id string) bool {
	return len(id) == 12 && strings.Trim(id, "0123456789") == ""
}

// keyScope is what a signing key is made of.
type keyScope struct{ secret, date, region, service string }

// keyCache keeps signing keys, which hold for a day.
type keyCache struct {
	mu   sync.Mutex
	keys map[keyScope][]byte
}

// maxKeys is the number of signing keys kept.
const maxKeys = 1024

// get is the signing key of a scope.
func (k *keyCache) get(scope keyScope) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	if key, ok := k.keys[scope]; ok {
		return key
	}
	if k.keys == nil || len(k.keys) >= maxKeys {
		k.keys = map[keyScope][]byte{}
	}
	key := sigv4.SigningKey(scope.secret, scope.date, scope.region, scope.service)
	k.keys[scope] = key
	return key
}
