package logs

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"kumiko/internal/api/logsapi"
	"kumiko/internal/awserr"
	"kumiko/internal/record"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

type bench struct {
	*testing.T
	*Service
	c   world.Caller
	st  *store.Store
	now time.Time
}

func start(t *testing.T) *bench {
	st := store.OpenMemory()
	t.Cleanup(func() { st.Close() })
	log, err := record.Open(t.TempDir(), record.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	b := &bench{T: t, c: world.Caller{Account: "000000000000", Region: "us-east-1"}, st: st, now: time.Now().Truncate(time.Millisecond)}
	b.Service = New(Config{Store: st, Log: log, Now: func() time.Time { return b.now }})
	return b
}

func must[T any](out T, err error) T {
	if err != nil {
		panic(err)
	}
	return out
}

func (b *bench) refused(err error, code, text string) {
	b.Helper()
	e := awserr.From(err, awserr.Logs)
	if e == nil || e.Code != code || text != "" && e.Message != text {
		b.Fatalf("got %v\nwant %s: %s", err, code, text)
	}
}

func (b *bench) stream(group, stream string) {
	b.CreateLogGroup(b.Context(), b.c, &logsapi.CreateLogGroupInput{LogGroupName: &group})
	must(b.CreateLogStream(b.Context(), b.c, &logsapi.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream}))
}

// put adds messages a millisecond apart, from an age on.
func (b *bench) put(group, stream string, ago time.Duration, messages ...string) *logsapi.PutLogEventsOutput {
	b.Helper()
	in := &logsapi.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream}
	for i, m := range messages {
		in.LogEvents = append(in.LogEvents, logsapi.InputLogEvent{Timestamp: new(b.now.Add(-ago).UnixMilli() + int64(i)), Message: &m})
	}
	return must(b.PutLogEvents(b.Context(), b.c, in))
}

func TestGroupsStreamsAndTheirErrors(t *testing.T) {
	b, ctx := start(t), t.Context()
	g := new("/aws/resource-configuration/")
	b.stream(*g, "s1")
	_, err := b.CreateLogGroup(ctx, b.c, &logsapi.CreateLogGroupInput{LogGroupName: g})
	b.refused(err, "ResourceAlreadyExistsException", "The specified log group already exists")
	_, err = b.CreateLogStream(ctx, b.c, &logsapi.CreateLogStreamInput{LogGroupName: g, LogStreamName: new("s1")})
	b.refused(err, "ResourceAlreadyExistsException", "The specified log stream already exists")
	_, err = b.DeleteLogGroup(ctx, b.c, &logsapi.DeleteLogGroupInput{LogGroupName: new("missing")})
	b.refused(err, "ResourceNotFoundException", "The specified log group does not exist.")
	_, err = b.GetLogEvents(ctx, b.c, &logsapi.GetLogEventsInput{LogGroupName: g, LogStreamName: new("missing")})
	b.refused(err, "ResourceNotFoundException", "The specified log stream does not exist.")
	for _, name := range []string{"aws/x", "", "a b", strings.Repeat("x", 513)} {
		_, err = b.CreateLogGroup(ctx, b.c, &logsapi.CreateLogGroupInput{LogGroupName: &name})
		b.refused(err, "InvalidParameterException", "")
	}
	_, err = b.CreateLogStream(ctx, b.c, &logsapi.CreateLogStreamInput{LogGroupName: g, LogStreamName: new("a:b")})
	b.refused(err, "InvalidParameterException", "")
	_, err = b.PutRetentionPolicy(ctx, b.c, &logsapi.PutRetentionPolicyInput{LogGroupName: g, RetentionInDays: new(int32(2))})
	b.refused(err, "InvalidParameterException", "")
	must(b.PutRetentionPolicy(ctx, b.c, &logsapi.PutRetentionPolicyInput{LogGroupName: g, RetentionInDays: new(int32(7))}))
	arn := "arn:aws:logs:us-east-1:000000000000:log-group:" + *g
	must(b.TagResource(ctx, b.c, &logsapi.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"k": "v"}}))
	if tags := must(b.ListTagsForResource(ctx, b.c, &logsapi.ListTagsForResourceInput{ResourceArn: new(arn + ":*")})).Tags; tags["k"] != "v" {
		t.Fatal(tags)
	}
	d := must(b.DescribeLogGroups(ctx, b.c, &logsapi.DescribeLogGroupsInput{LogGroupNamePrefix: new("/aws/")})).LogGroups
	if len(d) != 1 || *d[0].Arn != arn+":*" || *d[0].LogGroupArn != arn || *d[0].RetentionInDays != 7 || *d[0].LogGroupClass != "STANDARD" {
		t.Fatalf("%+v", d)
	}
	b.put(*g, "s1", time.Hour, "x")
	must(b.DeleteLogGroup(ctx, b.c, &logsapi.DeleteLogGroupInput{LogGroupName: g}))
	b.stream(*g, "s1")
	if e := must(b.FilterLogEvents(ctx, b.c, &logsapi.FilterLogEventsInput{LogGroupName: g})).Events; len(e) != 0 {
		t.Fatal("the events outlived their group")
	}
}

func TestStreamsInOrder(t *testing.T) {
	b, ctx := start(t), t.Context()
	for i, name := range []string{"a", "ab", "b", "c"} {
		b.stream("g", name)
		if i != 3 {
			b.put("g", name, time.Duration(i)*time.Minute, "m")
		}
	}
	list := func(in logsapi.DescribeLogStreamsInput) string {
		var names []string
		for in.LogGroupName, in.Limit = new("g"), new(int32(3)); ; {
			out := must(b.DescribeLogStreams(ctx, b.c, &in))
			for _, s := range out.LogStreams {
				names = append(names, *s.LogStreamName)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return strings.Join(names, " ")
			}
		}
	}
	for want, in := range map[string]logsapi.DescribeLogStreamsInput{
		"a ab b c":  {},
		"c b ab a":  {Descending: new(true)},
		"c b ab a ": {OrderBy: new("LastEventTime")},
		"a ab b c ": {OrderBy: new("LastEventTime"), Descending: new(true)},
		"a ab":      {LogStreamNamePrefix: new("a")},
	} {
		if got := list(in); got != strings.TrimSpace(want) {
			t.Errorf("%+v: %s, want %s", in, got, want)
		}
	}
}

func TestPutRules(t *testing.T) {
	b, ctx := start(t), t.Context()
	b.stream("g", "s")
	event := func(ago time.Duration) logsapi.InputLogEvent {
		return logsapi.InputLogEvent{Timestamp: new(b.now.Add(-ago).UnixMilli()), Message: new("m")}
	}
	big := logsapi.InputLogEvent{Timestamp: new(b.now.UnixMilli()), Message: new(strings.Repeat("x", maxBytes-25))}
	for _, bad := range [][]logsapi.InputLogEvent{nil, {event(0), event(time.Hour)}, {event(25 * time.Hour), event(0)}, {{Message: new("m")}}, {big}} {
		_, err := b.PutLogEvents(ctx, b.c, &logsapi.PutLogEventsInput{LogGroupName: new("g"), LogStreamName: new("s"), LogEvents: bad})
		b.refused(err, "InvalidParameterException", "")
	}
	out := b.put("g", "s", 15*24*time.Hour, "old")
	if *out.RejectedLogEventsInfo.TooOldLogEventEndIndex != 1 {
		t.Fatalf("%+v", out.RejectedLogEventsInfo)
	}
	out = must(b.PutLogEvents(ctx, b.c, &logsapi.PutLogEventsInput{LogGroupName: new("g"), LogStreamName: new("s"), LogEvents: []logsapi.InputLogEvent{event(0), event(-3 * time.Hour)}}))
	if r := out.RejectedLogEventsInfo; *r.TooNewLogEventStartIndex != 1 || r.TooOldLogEventEndIndex != nil {
		t.Fatalf("%+v", r)
	}
	if e := must(b.FilterLogEvents(ctx, b.c, &logsapi.FilterLogEventsInput{LogGroupName: new("g")})).Events; len(e) != 1 {
		t.Fatalf("%d events were taken", len(e))
	}
}

func TestTokensWalkBothWays(t *testing.T) {
	b, ctx := start(t), t.Context()
	b.stream("g", "s")
	get := func(in logsapi.GetLogEventsInput) (string, *logsapi.GetLogEventsOutput) {
		in.LogGroupIdentifier, in.LogStreamName, in.Limit = new("arn:aws:logs:us-east-1:000000000000:log-group:g:*"), new("s"), new(int32(2))
		out := must(b.GetLogEvents(ctx, b.c, &in))
		var texts []string
		for _, e := range out.Events {
			texts = append(texts, *e.Message)
		}
		return strings.Join(texts, " "), out
	}
	_, first := get(logsapi.GetLogEventsInput{StartFromHead: new(true)})
	b.put("g", "s", time.Minute, "1", "2", "3", "4", "5")
	texts, page := get(logsapi.GetLogEventsInput{NextToken: first.NextForwardToken})
	if texts != "1 2" {
		t.Fatal(texts)
	}
	for _, want := range []string{"3 4", "5", ""} {
		before := page.NextForwardToken
		if texts, page = get(logsapi.GetLogEventsInput{NextToken: before}); texts != want {
			t.Fatalf("%q, want %q", texts, want)
		}
		if end := *before == *page.NextForwardToken; end != (want == "") {
			t.Fatal("the end is not told by the token")
		}
	}
	texts, page = get(logsapi.GetLogEventsInput{})
	if texts != "4 5" {
		t.Fatal(texts)
	}
	if texts, page = get(logsapi.GetLogEventsInput{NextToken: page.NextBackwardToken}); texts != "2 3" || len(*page.NextBackwardToken) != 60 {
		t.Fatal(texts, *page.NextBackwardToken)
	}
	_, err := b.GetLogEvents(ctx, b.c, &logsapi.GetLogEventsInput{LogGroupName: new("g"), LogStreamName: new("s"), NextToken: new("f/1/s")})
	b.refused(err, "InvalidParameterException", "")
}

func TestFilter(t *testing.T) {
	b, ctx := start(t), t.Context()
	b.stream("g", "/aws/rcfg-1")
	b.stream("g", "/aws/sn-1")
	for i := range 3 {
		b.put("g", "/aws/sn-1", time.Duration(10-i)*time.Minute, fmt.Sprintf(`{"destinationIpPort":"129.224.52.%d:22","n":%d}`, i, i))
		b.put("g", "/aws/rcfg-1", time.Duration(10-i)*time.Minute-time.Second, "plain text")
	}
	count := func(in logsapi.FilterLogEventsInput) (n int) {
		for in.LogGroupName = new("g"); ; {
			out := must(b.FilterLogEvents(ctx, b.c, &in))
			if n += len(out.Events); out.NextToken == nil {
				return n
			}
			in.NextToken = out.NextToken
		}
	}
	for _, c := range []struct {
		in   logsapi.FilterLogEventsInput
		want int
	}{
		{logsapi.FilterLogEventsInput{}, 6},
		{logsapi.FilterLogEventsInput{Limit: new(int32(1))}, 6},
		{logsapi.FilterLogEventsInput{FilterPattern: new(`{ $.n > 0 && $.destinationIpPort = "129.224.52.*" }`)}, 2},
		{logsapi.FilterLogEventsInput{FilterPattern: new("plain -json"), Limit: new(int32(2))}, 3},
		{logsapi.FilterLogEventsInput{LogStreamNamePrefix: new("/aws/sn")}, 3},
		{logsapi.FilterLogEventsInput{LogStreamNames: []string{"/aws/rcfg-1"}}, 3},
		{logsapi.FilterLogEventsInput{StartTime: new(b.now.Add(-9 * time.Minute).UnixMilli())}, 4},
		{logsapi.FilterLogEventsInput{EndTime: new(b.now.Add(-9 * time.Minute).UnixMilli())}, 2},
	} {
		if got := count(c.in); got != c.want {
			t.Errorf("%+v: %d events, want %d", c.in, got, c.want)
		}
	}
	for _, bad := range []logsapi.FilterLogEventsInput{
		{LogGroupName: new("g"), FilterPattern: new(`{ $.a = `)}, {LogGroupName: new("g"), FilterPattern: new(`"open`)}, {LogGroupName: new("g"), NextToken: new("x")},
		{LogGroupName: new("g"), LogStreamNames: []string{"/aws/sn-1"}, LogStreamNamePrefix: new("x")}, {LogGroupName: new("g"), LogGroupIdentifier: new("g")},
	} {
		_, err := b.FilterLogEvents(ctx, b.c, &bad)
		b.refused(err, "InvalidParameterException", "")
	}
}

// TestStrangersChangeNothing calls every operation without names, with unknown ones and for other callers.
func TestStrangersChangeNothing(t *testing.T) {
	b := start(t)
	b.stream("g", "s")
	b.put("g", "s", time.Minute, "m")
	before := b.st.World().Rev
	service := reflect.ValueOf(b.Service)
	for i := range service.NumMethod() {
		name := service.Type().Method(i).Name
		if name == "DescribeLogGroups" {
			continue
		}
		for _, c := range []struct {
			who         world.Caller
			group, arn  string
			description string
		}{
			{b.c, "", "", "nothing"},
			{b.c, "missing", "arn:aws:logs:us-east-1:000000000000:log-group:missing", "an unknown group"},
			{b.c, "***", "nonsense", "a malformed group"},
			{world.Caller{Account: "111111111111", Region: "us-east-1"}, "g", "arn:aws:logs:us-east-1:000000000000:log-group:g", "another's group"},
			{world.Caller{Account: "000000000000", Region: "eu-west-1"}, "g", "arn:aws:logs:us-east-1:000000000000:log-group:g", "another region's group"},
		} {
			if name == "CreateLogGroup" && c.description != "nothing" && c.group != "***" {
				continue
			}
			in := reflect.New(service.Method(i).Type().In(2).Elem())
			for field, text := range map[string]string{"LogGroupName": c.group, "ResourceArn": c.arn, "LogStreamName": "s"} {
				if f := in.Elem().FieldByName(field); f.IsValid() && text != "" {
					f.Set(reflect.ValueOf(&text))
				}
			}
			if f := in.Elem().FieldByName("LogEvents"); f.IsValid() {
				f.Set(reflect.ValueOf([]logsapi.InputLogEvent{{Timestamp: new(b.now.UnixMilli()), Message: new("m")}}))
			}
			out := service.Method(i).Call([]reflect.Value{reflect.ValueOf(t.Context()), reflect.ValueOf(c.who), in})
			err, _ := out[1].Interface().(error)
			if e := new(awserr.Error); err == nil || !errors.As(err, &e) {
				t.Errorf("%s of %s: %v", name, c.description, err)
			}
			if b.st.World().Rev != before || b.log.Stats(world.LogGroupKey("000000000000", "us-east-1", "g"), "s").Events != 1 {
				t.Fatalf("%s of %s changed something", name, c.description)
			}
		}
	}
}

func TestNewRetainsAndDropsWhatHasNoRow(t *testing.T) {
	b := start(t)
	b.stream("g", "s")
	b.put("g", "s", 36*time.Hour, "old")
	b.put("g", "s", time.Hour, "young")
	key := world.LogGroupKey(b.c.Account, b.c.Region, "g")
	for _, where := range [][2]string{{key, "orphan"}, {"nobody's", "s"}} {
		if err := b.log.Append(where[0], where[1], []record.Event{{Time: 1, Message: "m"}}); err != nil {
			t.Fatal(err)
		}
	}
	must(b.PutRetentionPolicy(t.Context(), b.c, &logsapi.PutRetentionPolicyInput{LogGroupName: new("g"), RetentionInDays: new(int32(1))}))
	b.log.Retain(key, 0)
	New(Config{Store: b.st, Log: b.log})
	if got := b.log.Streams(key); !reflect.DeepEqual(got, []string{"s"}) || len(b.log.Groups()) != 1 {
		t.Fatal(got, b.log.Groups())
	}
	if n := b.log.Stats(key, "s").Events; n != 1 {
		t.Fatalf("%d events are shown, one is young enough", n)
	}
}
