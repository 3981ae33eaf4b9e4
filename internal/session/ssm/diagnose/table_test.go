package diagnose

import "testing"

// The words and lines are those of a transcript from AWS.
func TestTable(t *testing.T) {
	found := []finding{
		{"Connectivity to ssm endpoint", failed, "ssm.ap-northeast-1.amazonaws.com is not reachable: dial tcp 52.119.223.48:443: i/o timeout"},
		{"Connectivity to ec2messages endpoint", success, "ec2messages.ap-northeast-1.amazonaws.com is reachable"},
	}
	const want = `┌──────────────────────────────────────┬─────────┬──────────────────────────────────────────┐
│ Check                                │ Status  │ Note                                     │
├──────────────────────────────────────┼─────────┼──────────────────────────────────────────┤
│ Connectivity to ssm endpoint         │ Failed  │ ssm.ap-northeast-1.amazonaws.com is not  │
│                                      │         │ reachable: dial tcp 52.119.223.48:443:   │
│                                      │         │ i/o timeout                              │
├──────────────────────────────────────┼─────────┼──────────────────────────────────────────┤
│ Connectivity to ec2messages endpoint │ Success │ ec2messages.ap-northeast-1.amazonaws.com │
│                                      │         │ is reachable                             │
└──────────────────────────────────────┴─────────┴──────────────────────────────────────────┘`
	if got := table(found); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
