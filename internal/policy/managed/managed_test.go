package managed

import (
	"testing"

	"kumiko/internal/policy"
)

func TestDocumentsAreSound(t *testing.T) {
	all := Load()
	ids := map[string]bool{}
	for _, p := range all.All() {
		if _, err := policy.Parse(p.Document, policy.Identity); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		if len(p.ID()) != 21 || ids[p.ID()] {
			t.Errorf("%s: id %s", p.Name, p.ID())
		}
		ids[p.ID()] = true
	}
	for _, arn := range []string{"arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore", "arn:aws:iam::aws:policy/service-role/AmazonEC2RoleforSSM"} {
		if _, ok := all.Get(arn); !ok {
			t.Errorf("%s is not there", arn)
		}
	}
}
