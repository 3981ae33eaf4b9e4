package wire

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"maps"
	"reflect"
	"slices"
)

// xmlWriter writes structures as XML.
type xmlWriter struct {
	bytes.Buffer
	plans  plans
	item   string // usual element around an item of a list
	layout string // of timestamps
}

// element writes an element with text in it.
func (w *xmlWriter) element(name, content string) {
	if content == "" {
		w.WriteString("<" + name + "/>")
		return
	}
	w.WriteString("<" + name + ">")
	_ = xml.EscapeText(w, []byte(content)) // a Buffer takes everything
	w.WriteString("</" + name + ">")
}

// around writes an element with what inside writes in it.
func (w *xmlWriter) around(name string, inside func()) {
	w.WriteString("<" + name + ">")
	start := w.Len()
	inside()
	if w.Len() == start {
		w.Truncate(start - 1)
		w.WriteString("/>")
		return
	}
	w.WriteString("</" + name + ">")
}

// members writes the members of a structure that are present.
func (w *xmlWriter) members(v reflect.Value) {
	for _, m := range w.plans[v.Type()].members {
		if f, ok := present(v.Field(m.index)); ok {
			w.value(m.out, f, m)
		}
	}
}

// value writes anything under the given name.
func (w *xmlWriter) value(name string, v reflect.Value, m *memberPlan) {
	switch {
	case isList(v.Type()):
		items := func(name string) {
			for i := range v.Len() {
				w.value(name, v.Index(i), m)
			}
		}
		if m.flat {
			items(name)
			return
		}
		w.around(name, func() { items(cmp.Or(m.item, w.item)) })
	case v.Kind() == reflect.Map:
		w.around(name, func() {
			keys := slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
			for _, k := range keys {
				w.around("entry", func() {
					w.element("key", k.String())
					w.value("value", v.MapIndex(k), m)
				})
			}
		})
	case isStructure(v.Type()):
		w.around(name, func() { w.members(v) })
	default:
		w.element(name, text(v, w.layout))
	}
}

// fields writes an error's further members, as far as they are text.
func (w *xmlWriter) fields(fields map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if s, ok := fields[name].(string); ok {
			w.element(name, s)
		}
	}
}
