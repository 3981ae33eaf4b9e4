package policy

import (
	"encoding/base64"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// comparison is how an operator compares a value of the document with one of the request.
type comparison struct {
	negated   bool
	wild      bool // the document's values have wildcards
	variables bool // and variables
	hold      func(want []rune, have string) bool
	check     func(want string) bool // whether a value can be compared; nil: all can
}

// operatorOf is the row of the table of operators. (IAM User Guide, "IAM JSON policy elements: Condition operators".)
func operatorOf(name string) (comparison, bool) {
	for _, of := range []func(string) (comparison, bool){stringOperator, numericOperator, dateOperator, otherOperator} {
		if c, ok := of(name); ok {
			return c, true
		}
	}
	return comparison{}, false
}

func stringOperator(name string) (comparison, bool) {
	equal := func(want []rune, have string) bool { return string(want) == have }
	fold := func(want []rune, have string) bool { return strings.EqualFold(string(want), have) }
	c, ok := map[string]comparison{
		"StringEquals":              {hold: equal},
		"StringNotEquals":           {hold: equal, negated: true},
		"StringEqualsIgnoreCase":    {hold: fold},
		"StringNotEqualsIgnoreCase": {hold: fold, negated: true},
		"StringLike":                {hold: matches, wild: true},
		"StringNotLike":             {hold: matches, wild: true, negated: true},
		"ArnEquals":                 {hold: matchARN, wild: true},
		"ArnLike":                   {hold: matchARN, wild: true},
		"ArnNotEquals":              {hold: matchARN, wild: true, negated: true},
		"ArnNotLike":                {hold: matchARN, wild: true, negated: true},
	}[name]
	c.variables = true
	return c, ok
}

func numericOperator(name string) (comparison, bool) {
	f, negated, ok := order(strings.CutPrefix(name, "Numeric"))
	return comparison{negated: negated, check: isNumber, hold: func(want []rune, have string) bool {
		a, errA := strconv.ParseFloat(have, 64)
		b, errB := strconv.ParseFloat(string(want), 64)
		return errA == nil && errB == nil && (a == b && f(0) || a < b && f(-1) || a > b && f(1))
	}}, ok
}

func dateOperator(name string) (comparison, bool) {
	f, negated, ok := order(strings.CutPrefix(name, "Date"))
	return comparison{negated: negated, check: func(s string) bool { _, ok := date(s); return ok }, hold: func(want []rune, have string) bool {
		a, okA := date(have)
		b, okB := date(string(want))
		return okA && okB && f(a.Compare(b))
	}}, ok
}

// order is the relation of that name: whether it holds for a comparison's sign, and whether it is a negated one.
func order(name string, ok bool) (func(sign int) bool, bool, bool) {
	f, known := map[string]func(int) bool{
		"Equals": func(s int) bool { return s == 0 }, "NotEquals": func(s int) bool { return s == 0 },
		"LessThan": func(s int) bool { return s < 0 }, "LessThanEquals": func(s int) bool { return s <= 0 },
		"GreaterThan": func(s int) bool { return s > 0 }, "GreaterThanEquals": func(s int) bool { return s >= 0 },
	}[name]
	return f, name == "NotEquals", ok && known
}

func otherOperator(name string) (comparison, bool) {
	within := func(want []rune, have string) bool {
		p, ok := network(string(want))
		a, err := netip.ParseAddr(have)
		return ok && err == nil && p.Contains(a.Unmap())
	}
	isNetwork := func(s string) bool { _, ok := network(s); return ok }
	c, ok := map[string]comparison{
		"Bool": {check: isBool, hold: func(want []rune, have string) bool { return strings.EqualFold(string(want), have) }},
		"Null": {check: isBool, hold: func([]rune, string) bool { return false }}, // see holds
		"BinaryEquals": {check: func(s string) bool { _, err := base64.StdEncoding.DecodeString(s); return err == nil },
			hold: func(want []rune, have string) bool {
				a, errA := base64.StdEncoding.DecodeString(string(want))
				b, errB := base64.StdEncoding.DecodeString(have)
				return errA == nil && errB == nil && slices.Equal(a, b)
			}},
		"IpAddress":    {check: isNetwork, hold: within},
		"NotIpAddress": {check: isNetwork, hold: within, negated: true},
	}[name]
	return c, ok
}

func isNumber(s string) bool { _, err := strconv.ParseFloat(s, 64); return err == nil }

func isBool(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }

// network reads an address or a range.
func network(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

// date reads the forms of ISO 8601 that AWS takes, and seconds since 1970.
func date(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n < -1e12 || n > 1e12 || n != n {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(n * 1000)), true
}

// check refuses values that could never be compared.
func (c *Condition) check() error {
	op, _ := operatorOf(c.Operator)
	if op.check == nil {
		return nil
	}
	for _, v := range c.Values {
		if !op.check(v) {
			return syntax()
		}
	}
	return nil
}

// holds tells whether the request meets the condition.
func (c *Condition) holds(r *Request, variables bool) bool {
	have, there := r.Keys[strings.ToLower(c.Key)]
	there = there && len(have) > 0
	if c.Operator == "Null" {
		return slices.ContainsFunc(c.Values, func(v string) bool { return strings.EqualFold(v, "true") == !there })
	}
	op, _ := operatorOf(c.Operator)
	one := func(value string) bool { // of the request
		some := slices.ContainsFunc(c.Values, func(want string) bool {
			w, ok := r.expand(want, variables && op.variables, op.wild)
			return ok && op.hold(w, value)
		})
		return some != op.negated
	}
	switch {
	case c.Set == "ForAnyValue":
		return there && slices.ContainsFunc(have, one) || !there && c.IfExists
	case !there && c.Set == "ForAllValues":
		return true
	case !there:
		return c.IfExists || op.negated
	case c.Set == "ForAllValues", op.negated:
		return !slices.ContainsFunc(have, func(v string) bool { return !one(v) })
	}
	return slices.ContainsFunc(have, one)
}
