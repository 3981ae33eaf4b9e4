package sts

import (
	"strings"
	"testing"

	"kumiko/internal/api/stsapi"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

func TestIdentityAndKeys(t *testing.T) {
	st := store.OpenMemory()
	defer st.Close()
	_, err := st.Update(t.Context(), func(tx *world.Tx) error {
		tx.Accounts.Put(world.Account{ID: "111111111111", Name: "other"})
		tx.AccessKeys.Put(world.AccessKey{ID: "AKIAIOSFODNN7EXAMPLE", Account: "111111111111"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Store: st})
	c := world.Caller{Account: "000000000000", ARN: "arn:aws:iam::000000000000:root", UserID: "000000000000"}
	who, err := s.GetCallerIdentity(t.Context(), c, &stsapi.GetCallerIdentityInput{})
	if err != nil || *who.Account != "000000000000" || *who.Arn != c.ARN || *who.UserId != c.UserID {
		t.Fatalf("%+v %v", who, err)
	}
	key, err := s.GetAccessKeyInfo(t.Context(), c, &stsapi.GetAccessKeyInfoInput{AccessKeyId: new("AKIAIOSFODNN7EXAMPLE")})
	if err != nil || *key.Account != "111111111111" {
		t.Fatalf("%+v %v", key, err)
	}
	for _, id := range []*string{nil, new("AKIAUNKNOWNUNKNOWN00")} {
		if _, err := s.GetAccessKeyInfo(t.Context(), c, &stsapi.GetAccessKeyInfoInput{AccessKeyId: id}); err == nil {
			t.Error("an unknown key has an account")
		}
	}
}

// An account's own keys take no role on, whatever the role trusts.
func TestRootAssumesNothing(t *testing.T) {
	st := store.OpenMemory()
	defer st.Close()
	s := New(Config{Store: st})
	root := world.Caller{Account: "000000000000", ARN: "arn:aws:iam::000000000000:root", UserID: "000000000000"}
	_, err := s.AssumeRole(t.Context(), root, &stsapi.AssumeRoleInput{RoleArn: new("arn:aws:iam::000000000000:role/any"), RoleSessionName: new("s1")})
	if err == nil || !strings.Contains(err.Error(), "Roles may not be assumed by root accounts.") {
		t.Errorf("assumed by root: %v", err)
	}
}
