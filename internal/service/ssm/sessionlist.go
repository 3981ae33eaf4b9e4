package ssm

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"kumiko/internal/api/ssmapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// remembered is how long sessions that are over are told of. (AWS Systems Manager API Reference, DescribeSessions.)
const remembered = 30 * 24 * time.Hour

// DescribeSessions lists the sessions that go on, or those that are over, the latest first.
func (s *Service) DescribeSessions(_ context.Context, c world.Caller, in *ssmapi.DescribeSessionsInput) (*ssmapi.DescribeSessionsOutput, error) {
	w, over := s.Store.World(), val(in.State) == "History"
	for _, f := range in.Filters { // also where there is nothing to filter
		if _, err := sessionHas(world.NodeSession{}, val(f.Key), val(f.Value)); err != nil {
			return nil, err
		}
	}
	var rows []world.NodeSession
	for _, row := range w.SessionsIn(c.Account, c.Region, over) {
		keep := !over || s.Now().Sub(row.Ended) < remembered
		for _, f := range in.Filters {
			ok, err := sessionHas(row, val(f.Key), val(f.Value))
			if err != nil {
				return nil, err
			}
			keep = keep && ok
		}
		if keep {
			rows = append(rows, row)
		}
	}
	latest := func(row world.NodeSession) string {
		return fmt.Sprintf("%020d/%s", 1<<62-row.Created.UnixNano(), row.ID)
	}
	rows, next, err := listing.Page(pages(1, 200, 200), rows, latest, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ssmapi.DescribeSessionsOutput{Sessions: []ssmapi.Session{}, NextToken: next}
	for _, row := range rows {
		out.Sessions = append(out.Sessions, describeSession(row))
	}
	return out, nil
}

func describeSession(row world.NodeSession) ssmapi.Session {
	d := ssmapi.Session{
		SessionId: &row.ID, Target: new(string(row.Target)), Status: new(string(row.Status)), StartDate: &row.Created, EndDate: when(row.Ended),
		DocumentName: &row.Document, Owner: &row.Owner, Reason: some(row.Reason), Details: some(row.Details),
		OutputUrl: &ssmapi.SessionManagerOutputUrl{}, AccessType: new("Standard"),
	}
	if row.LogGroup != "" {
		d.OutputUrl.CloudWatchOutputUrl = new("https://console.aws.amazon.com/cloudwatch/home?region=" + row.Region + "#logEventViewer:group=" + row.LogGroup + ";stream=" + row.ID)
	}
	if row.Limit > 0 {
		d.MaxSessionDuration = new(fmt.Sprint(int(row.Limit / time.Minute)))
	}
	return d
}

// sessionHas tells whether a session has the value of a filter.
func sessionHas(row world.NodeSession, key, value string) (bool, error) {
	switch key {
	case "InvokedAfter", "InvokedBefore":
		t, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return false, awserr.SSMRefused("InvalidFilterKey", "The value %s of the filter %s is no time.", value, key)
		}
		return (row.Created.Compare(t) > 0) == (key == "InvokedAfter"), nil
	case "Target":
		return string(row.Target) == value, nil
	case "Owner":
		return row.Owner == value || strings.HasSuffix(row.Owner, "/"+value), nil
	case "Status":
		return string(row.Status) == value, nil
	case "SessionId":
		return row.ID == value, nil
	case "AccessType":
		return cmp.Or(value, "Standard") == "Standard", nil
	}
	return false, awserr.SSMRefused("InvalidFilterKey", "The filter key %s is not valid.", key)
}
