package logs

import (
	"context"
	"fmt"
	"math"

	"kumiko/internal/api/logsapi"
	"kumiko/internal/awserr"
	"kumiko/internal/record"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// CreateLogStream makes a stream.
func (s *Service) CreateLogStream(ctx context.Context, c world.Caller, in *logsapi.CreateLogStreamInput) (*logsapi.CreateLogStreamOutput, error) {
	group, name, err := streamNames(in.LogGroupName, in.LogStreamName)
	if err != nil {
		return nil, err
	}
	_, err = s.store.Update(ctx, func(tx *world.Tx) error {
		g, err := find(&tx.World, c, group)
		if err != nil {
			return err
		}
		st := world.LogStream{Group: g.RowID(), Name: name, Created: tx.Now}
		if tx.LogStreams.Has(st.RowID()) {
			return awserr.LogsStreamExists()
		}
		tx.LogStreams.Put(st)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &logsapi.CreateLogStreamOutput{}, nil
}

// streamNames reads the names of a group and of a stream of it.
func streamNames(group, stream *string) (string, string, error) {
	g, err := groupName(group)
	if err != nil {
		return "", "", err
	}
	return g, value(stream), checkText("logStreamName", value(stream), streamPattern)
}

// DeleteLogStream takes a stream away, with its events.
func (s *Service) DeleteLogStream(ctx context.Context, c world.Caller, in *logsapi.DeleteLogStreamInput) (*logsapi.DeleteLogStreamOutput, error) {
	group, name, err := streamNames(in.LogGroupName, in.LogStreamName)
	if err != nil {
		return nil, err
	}
	s.deleting.Lock()
	defer s.deleting.Unlock()
	var st world.LogStream
	_, err = s.store.Update(ctx, func(tx *world.Tx) error {
		g, err := find(&tx.World, c, group)
		if err != nil {
			return err
		}
		if st, err = findStream(&tx.World, g, name); err != nil {
			return err
		}
		tx.LogStreams.Delete(st.RowID())
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.drop(s.log.DropStream(st.Group, st.Name))
	return &logsapi.DeleteLogStreamOutput{}, nil
}

// streamRow is a stream with what its events say.
type streamRow struct {
	world.LogStream
	record.Stats
	key string // order in the list
}

// DescribeLogStreams lists the streams of a group, by name or by their last event.
func (s *Service) DescribeLogStreams(_ context.Context, c world.Caller, in *logsapi.DescribeLogStreamsInput) (*logsapi.DescribeLogStreamsOutput, error) {
	group, err := groupOf(c, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	byTime := value(in.OrderBy) == "LastEventTime"
	switch {
	case byTime && in.LogStreamNamePrefix != nil:
		return nil, awserr.LogsInvalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	case !byTime && value(in.OrderBy) != "" && *in.OrderBy != "LogStreamName":
		return nil, awserr.LogsInvalid("1 validation error detected: Value '%s' at 'orderBy' failed to satisfy constraint: Member must satisfy enum value set: [LogStreamName, LastEventTime]", *in.OrderBy)
	}
	w := s.store.World()
	g, err := find(&w, c, group)
	if err != nil {
		return nil, err
	}
	var rows []streamRow
	for _, st := range streamsOf(&w, g, value(in.LogStreamNamePrefix)) {
		r := streamRow{LogStream: st, Stats: s.log.Stats(st.Group, st.Name)}
		r.key = r.order(byTime, value(in.Descending))
		rows = append(rows, r)
	}
	rows, next, err := listing.Page(listing.Logs(50), rows, func(r streamRow) string { return r.key }, in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &logsapi.DescribeLogStreamsOutput{LogStreams: []logsapi.LogStream{}, NextToken: next}
	for _, r := range rows {
		out.LogStreams = append(out.LogStreams, r.describe(g))
	}
	return out, nil
}

// order is a text that sorts the stream into its place.
func (r streamRow) order(byTime, descending bool) string {
	name, last := r.Name, r.Last
	if descending {
		raw := []byte(name)
		for i := range raw {
			raw[i] = ^raw[i]
		}
		name = string(raw) + "\xff"
		last = math.MaxInt64 - last
	}
	if byTime {
		return fmt.Sprintf("%020d/%s", last, name)
	}
	return name
}

func (r streamRow) describe(g world.LogGroup) logsapi.LogStream {
	d := logsapi.LogStream{
		LogStreamName: &r.Name, CreationTime: millis(r.Created), UploadSequenceToken: new(sequenceToken),
		Arn: new(groupARN(g) + ":log-stream:" + r.Name), StoredBytes: new(int64(0)),
	}
	if r.Events > 0 {
		d.FirstEventTimestamp, d.LastEventTimestamp, d.LastIngestionTime = &r.First, &r.Last, &r.Ingested
	}
	return d
}
