package wire

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// parseJSON reads an object; an empty body is an empty object.
func parseJSON(body []byte) (map[string]any, *badInput) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	if !utf8.Valid(body) {
		return nil, unreadable("", "The body is not UTF-8.")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil {
		return nil, unreadable("", "The body is not a JSON object.")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, unreadable("", "There is more than one JSON value in the body.")
	}
	return object, nil
}

// jsonReader stores JSON values in structures.
type jsonReader struct{ plans plans }

// structure stores the members of an object that belong in the body in v. Unknown ones are ignored, null is "absent".
func (j jsonReader) structure(v reflect.Value, object map[string]any) *badInput {
	p := j.plans[v.Type()]
	for name, value := range object {
		m := p.byName[name]
		if m == nil || m.place != "" || value == nil {
			continue
		}
		if b := j.value(v.Field(m.index), value, m); b != nil {
			return within(name, b)
		}
	}
	return nil
}

// value stores one JSON value, which is not null at the top, in v.
func (j jsonReader) value(v reflect.Value, value any, m *memberPlan) *badInput {
	v = settable(v)
	switch {
	case isList(v.Type()):
		items, ok := value.([]any)
		if !ok {
			return unexpected(value, "a list")
		}
		v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
		for i, item := range items {
			if item == nil {
				return within(strconv.Itoa(i+1), unreadable("null", "Lists have no null items."))
			}
			if b := j.value(v.Index(i), item, m); b != nil {
				return within(strconv.Itoa(i+1), b)
			}
		}
		return nil
	case v.Kind() == reflect.Map:
		return j.entries(v, value, m)
	case isStructure(v.Type()):
		object, ok := value.(map[string]any)
		if !ok {
			return unexpected(value, "a structure")
		}
		return j.structure(v, object)
	}
	return j.scalar(v, value, cmp.Or(m.time, unixTimestamp))
}

func (j jsonReader) entries(v reflect.Value, value any, m *memberPlan) *badInput {
	object, ok := value.(map[string]any)
	if !ok {
		return unexpected(value, "a map")
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(object)))
	for key, item := range object {
		if item == nil {
			continue
		}
		entry := reflect.New(v.Type().Elem()).Elem()
		if b := j.value(entry, item, m); b != nil {
			return within(key, b)
		}
		v.SetMapIndex(reflect.ValueOf(key), entry)
	}
	return nil
}

// scalar stores a string, number or boolean in v, whose kind must go with it.
func (j jsonReader) scalar(v reflect.Value, value any, format string) *badInput {
	switch v.Kind() {
	case reflect.String:
		if s, ok := value.(string); ok {
			v.SetString(s)
			return nil
		}
		return unexpected(value, "a string")
	case reflect.Bool:
		if b, ok := value.(bool); ok {
			v.SetBool(b)
			return nil
		}
		return unexpected(value, "true or false")
	case reflect.Slice:
		if s, ok := value.(string); ok {
			data, err := base64.StdEncoding.DecodeString(s)
			if err != nil {
				return unexpected(value, "base64")
			}
			v.SetBytes(data)
			return nil
		}
		return unexpected(value, "base64")
	case reflect.Struct:
		s, isText := value.(string)
		if n, ok := value.(json.Number); ok && format == unixTimestamp {
			s, isText = string(n), true
		} else if format == unixTimestamp {
			isText = false
		}
		if t, ok := parseTime(s, format); ok && isText {
			v.Set(reflect.ValueOf(t))
			return nil
		}
		return unexpected(value, "a timestamp")
	}
	return number(v, value)
}

// number stores a number in v. Whole numbers may be written with a point or an exponent.
func number(v reflect.Value, value any) *badInput {
	n, ok := value.(json.Number)
	if !ok {
		return unexpected(value, "a number")
	}
	if v.Kind() != reflect.Float64 {
		if i, err := strconv.ParseInt(string(n), 10, v.Type().Bits()); err == nil {
			v.SetInt(i)
			return nil
		}
	}
	f, err := n.Float64()
	switch {
	case err != nil:
		return unexpected(value, "a number in range")
	case v.Kind() == reflect.Float64:
		v.SetFloat(f)
		return nil
	case f != math.Trunc(f) || math.Abs(f) > 1<<53 || v.OverflowInt(int64(f)):
		return unexpected(value, "a whole number in range")
	}
	v.SetInt(int64(f))
	return nil
}

// unexpected says that a JSON value is of the wrong kind.
func unexpected(value any, want string) *badInput {
	have, _ := json.Marshal(value)
	return unreadable(string(have), "Expecting "+want+".")
}

// jsonWriter writes structures as JSON.
type jsonWriter struct {
	bytes.Buffer
	plans plans
}

// structure writes an object of the members that are present.
func (w *jsonWriter) structure(v reflect.Value) {
	w.WriteByte('{')
	first := true
	for _, m := range w.plans[v.Type()].members {
		f, ok := present(v.Field(m.index))
		if !ok {
			continue
		}
		if !first {
			w.WriteByte(',')
		}
		first = false
		w.text(m.out)
		w.WriteByte(':')
		w.value(f, m)
	}
	w.WriteByte('}')
}

// value writes anything.
func (w *jsonWriter) value(v reflect.Value, m *memberPlan) {
	switch {
	case isList(v.Type()):
		w.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				w.WriteByte(',')
			}
			w.value(v.Index(i), m)
		}
		w.WriteByte(']')
	case v.Kind() == reflect.Map:
		w.entries(v, m)
	case isStructure(v.Type()):
		w.structure(v)
	case v.Kind() == reflect.Struct:
		w.time(v.Interface().(time.Time), m.time)
	case v.Kind() == reflect.String || v.Kind() == reflect.Slice:
		w.text(text(v, ""))
	default:
		w.WriteString(text(v, ""))
	}
}

func (w *jsonWriter) entries(v reflect.Value, m *memberPlan) {
	keys := slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	w.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			w.WriteByte(',')
		}
		w.text(k.String())
		w.WriteByte(':')
		w.value(v.MapIndex(k), m)
	}
	w.WriteByte('}')
}

// time writes a timestamp; the usual form is seconds since 1970 with a fraction.
func (w *jsonWriter) time(t time.Time, format string) {
	if format == iso8601 {
		w.text(t.UTC().Format(isoMillis))
		return
	}
	w.WriteString(strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', -1, 64))
}

// text writes a string.
func (w *jsonWriter) text(s string) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // strings always can be
	w.Truncate(w.Len() - 1)
}

// errorObject is the body of an error in the JSON protocols.
func errorObject(members map[string]any) []byte {
	data, err := json.Marshal(members)
	if err != nil { // a member that JSON cannot say: answer the rest
		data, _ = json.Marshal(map[string]any{"__type": members["__type"], "message": members["message"]})
	}
	return data
}
