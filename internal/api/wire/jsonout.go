package wire

import (
	"bytes"
	"cmp"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"time"
)

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
