package route53

import (
	"context"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"time"

	"kumiko/internal/api/route53api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// change is a change of zones or records: the revision that made it, which its id holds.
type change struct {
	rev     uint64
	at      time.Time
	account world.AccountID
}

// Digits of the parts of a change's id, in base 36.
const (
	timeDigits  = 7
	revDigits   = 9
	checkDigits = 4
)

// id names the change for the account that made it.
func (c change) id() string {
	body := pad(uint64(c.at.Unix()), timeDigits) + pad(c.rev, revDigits)
	return "C" + body + c.check(body)
}

// check proves that an id was given to the account.
func (c change) check(body string) string {
	sum := crc32.ChecksumIEEE([]byte(string(c.account) + body))
	return pad(uint64(sum)%(36*36*36*36), checkDigits)
}

func pad(n uint64, digits int) string {
	return fmt.Sprintf("%0*s", digits, strings.ToUpper(strconv.FormatUint(n, 36)))
}

// parseChange reads an id that was given to the account.
func parseChange(id string, account world.AccountID) (change, bool) {
	c := change{account: account}
	body, ok := strings.CutPrefix(id, "C")
	if !ok || len(body) != timeDigits+revDigits+checkDigits {
		return c, false
	}
	body, check := body[:timeDigits+revDigits], body[timeDigits+revDigits:]
	at, bad := strconv.ParseUint(body[:timeDigits], 36, 63)
	rev, worse := strconv.ParseUint(body[timeDigits:], 36, 63)
	c.rev, c.at = rev, time.Unix(int64(at), 0).UTC()
	return c, bad == nil && worse == nil && c.check(body) == check
}

// changeInfo tells of a change: INSYNC is what the resolvers have.
func (s *Service) changeInfo(c change) *route53api.ChangeInfo {
	status := "PENDING"
	if s.store.Seen().Ready(c.rev, "names") {
		status = "INSYNC"
	}
	return &route53api.ChangeInfo{Id: new("/change/" + c.id()), Status: &status, SubmittedAt: &c.at}
}

// GetChange tells whether a change has reached the resolvers.
func (s *Service) GetChange(_ context.Context, c world.Caller, in *route53api.GetChangeInput) (*route53api.GetChangeOutput, error) {
	ch, ok := parseChange(bare(in.Id), c.Account)
	if w := s.store.World(); !ok || ch.rev > w.Rev {
		return nil, awserr.Route53NoChange(bare(in.Id))
	}
	return &route53api.GetChangeOutput{ChangeInfo: s.changeInfo(ch)}, nil
}
