package wire

import (
	"encoding/base64"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"time"
)

// Formats of timestamps. (Smithy 2.0 specification, "timestampFormat trait".)
const (
	iso8601       = "iso8601"
	rfc822        = "rfc822"
	unixTimestamp = "unixTimestamp"
)

// isoMillis is how EC2 and the JSON protocols write iso8601, isoSeconds how awsQuery does.
const (
	isoMillis  = "2006-01-02T15:04:05.000Z"
	isoSeconds = "2006-01-02T15:04:05Z"
)

// setText stores a scalar that was sent as text in v, which is not a pointer.
func setText(v reflect.Value, text, format string) *badInput {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		if text != "true" && text != "false" {
			return unreadable(text, "Expecting true or false.")
		}
		v.SetBool(text == "true")
	case reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return unreadable(text, "Expecting an integer.")
		}
		v.SetInt(n)
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return unreadable(text, "Expecting a number.")
		}
		v.SetFloat(f)
	case reflect.Slice: // a blob
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return unreadable(text, "Expecting base64.")
		}
		v.SetBytes(data)
	case reflect.Struct:
		t, ok := parseTime(text, format)
		if !ok {
			return unreadable(text, "Expecting a timestamp.")
		}
		v.Set(reflect.ValueOf(t))
	default:
		return unreadable(text, "Expecting a structure.")
	}
	return nil
}

// parseTime reads a timestamp in the given format.
func parseTime(text, format string) (time.Time, bool) {
	switch format {
	case unixTimestamp:
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return time.Time{}, false
		}
		return unixTime(seconds)
	case rfc822:
		t, err := http.ParseTime(text)
		return t.UTC(), err == nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// unixTime is the time so many seconds after 1970, to the millisecond, if it lies within the years 1 to 9999.
func unixTime(seconds float64) (time.Time, bool) {
	const first, last = -62135596800, 253402300799
	if !(seconds >= first && seconds <= last) {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), true
}

// text is a scalar as the text protocols write it.
func text(v reflect.Value, layout string) string {
	switch v.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	case reflect.Slice:
		return base64.StdEncoding.EncodeToString(v.Bytes())
	case reflect.Struct:
		return v.Interface().(time.Time).UTC().Format(layout)
	}
	return v.String()
}

// settable is where a member's value goes: the member itself, or what its pointer points to, made when it is missing.
func settable(v reflect.Value) reflect.Value {
	if v.Kind() != reflect.Pointer {
		return v
	}
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
	}
	return v.Elem()
}

// present is the value of a member and whether there is one.
func present(v reflect.Value) (reflect.Value, bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return v, false
		}
		return v.Elem(), true
	case reflect.Slice, reflect.Map:
		return v, !v.IsNil()
	}
	return v, true
}

// isStructure tells structures from timestamps and other scalars.
func isStructure(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]()
}
