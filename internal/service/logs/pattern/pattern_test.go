package pattern

import "testing"

func TestMatch(t *testing.T) {
	const line = `127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
	const event = `{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","arrayKey":["value","another"],"objectList":[{"name":"a","id":1},{"name":"b","id":2}],"SomeObject":null,"IsRunning":true,"latency":1.5,"a.b":7}`
	for _, c := range []struct {
		pattern, message string
		want             bool
	}{
		{"", "anything", true},
		{"ERROR ARGUMENTS", "ERROR missing ARGUMENTS", true},
		{"ERROR ARGUMENTS", "ERROR", false},
		{"error", "ERROR", false},
		{"?ERROR ?WARN", "a WARN", true},
		{"?ERROR ?WARN", "an INFO", false},
		{"ERROR -EXITING", "ERROR EXITING", false},
		{"ERROR -EXITING", "ERROR", true},
		{"ERROR ?WARN", "ERROR", true},
		{`"INTERNAL SERVER ERROR"`, "x INTERNAL SERVER ERROR", true},
		{`-"SERVER ERROR" x`, "x SERVER ERROR", false},
		{`"say \"hi\""`, `they say "hi"`, true},
		{`%4[0-9]{2}%`, "status 404", true},
		{`%4[0-9]{2}%`, "status 504", false},
		{`{ $.eventType = "UpdateTrail" }`, event, true},
		{`{ $.eventType = UpdateTrail }`, event, true},
		{`{ $.eventType = "Update*" && $.latency > 1 }`, event, true},
		{`{ $.eventType != "x" || $.latency > 9 }`, event, true},
		{`{ ($.eventType = "x" || $.latency >= 1.5) && $.IsRunning IS TRUE }`, event, true},
		{`{ $.sourceIPAddress != 123.123.* }`, event, true},
		{`{ $.arrayKey[0] = "value" }`, event, true},
		{`{ $.arrayKey[1] = "value" }`, event, false},
		{`{ $.objectList[*].name = "b" }`, event, true},
		{`{ $.objectList[1].id = 2 }`, event, true},
		{`{ $.SomeObject IS NULL }`, event, true},
		{`{ $.missing NOT EXISTS }`, event, true},
		{`{ $.latency NOT EXISTS }`, event, false},
		{`{ $.missing = * }`, event, false},
		{`{ $.latency = * }`, event, true},
		{`{ $.['a.b'] = 7 }`, event, false},
		{`{ $['a.b'] = 7 }`, event, true},
		{`{ $.eventType = %^Up.*l$% }`, event, true},
		{`{ $.eventType = "UpdateTrail" }`, "no JSON", false},
		{`[ip, user, username, timestamp, request =*.html*, status_code = 4*, bytes]`, line, true},
		{`[ip, user, username, timestamp, request, status_code = 5*, bytes]`, line, false},
		{`[..., status_code = 404 || status_code = 410, bytes > 1000]`, line, true},
		{`[..., bytes < 1000]`, line, false},
		{`[ip = %127\.0\.0\.[1-9]%, ...]`, line, true},
		{`[w1, w2]`, line, false},
		{`[w1=ERROR, w2]`, "ERROR x", true},
	} {
		p, err := Parse(c.pattern)
		if err != nil {
			if c.pattern != `{ $.['a.b'] = 7 }` {
				t.Errorf("%s: %v", c.pattern, err)
			}
			continue
		}
		if got := p.Match(c.message); got != c.want {
			t.Errorf("%s on %s: %v", c.pattern, c.message, got)
		}
	}
}

func TestInvalid(t *testing.T) {
	for _, text := range []string{`"open`, `%open`, `%(%`, `{ $.a }`, `{ $.a = }`, `{ $.a > x }`, `{ a = 1 }`, `{ ($.a = 1 }`, `{ $.a = 1 && }`, `[a = ]`, `[a, ..., ...]`, `{}`, `[]`, `-`, `?`} {
		if p, err := Parse(text); err == nil {
			t.Errorf("%s was read as %+v", text, p)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{`a ?b -c "d e" %f%`, `{ ($.a[*].b = "x*" && $['c'] > 3) || $.d NOT EXISTS }`, `[a, b = 4*, ..., c != "x"]`} {
		f.Add(s, `{"a":[{"b":"xy"}],"c":4}`)
	}
	f.Fuzz(func(t *testing.T, pattern, message string) {
		if len(pattern) > 1024 {
			return
		}
		if p, err := Parse(pattern); err == nil {
			p.Match(message)
		}
	})
}
