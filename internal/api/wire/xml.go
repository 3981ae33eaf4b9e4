package wire

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
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

// xmlHead begins every document that is written.
const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// Limits of documents. AWS does not publish its own.
const (
	maxElements = 100_000
	maxDepth    = 32
)

// element is an element of a document that was read.
type element struct {
	name string
	text string // what it contains, if it has no elements within
	kids []*element
}

// parseXML reads a document; an empty body is none. Namespaces and attributes mean nothing to the services that speak it.
func parseXML(body []byte) (*element, *badInput) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	var root *element
	var open []*element
	count := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, unreadable("", "The document is malformed.")
		}
		switch t := token.(type) {
		case xml.StartElement:
			e := &element{name: t.Name.Local}
			if count++; count > maxElements || len(open) >= maxDepth {
				return nil, unreadable("", "The document is too large.")
			}
			switch {
			case len(open) > 0:
				in := open[len(open)-1]
				in.kids = append(in.kids, e)
			case root != nil:
				return nil, unreadable("", "The document has two roots.")
			default:
				root = e
			}
			open = append(open, e)
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(t)
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.Directive:
			return nil, unreadable("", "The document has a type declaration.")
		}
	}
	if root == nil {
		return nil, unreadable("", "The document has no root.")
	}
	return root, nil
}

// xmlReader stores elements in structures.
type xmlReader struct{ plans plans }

// structure stores the elements within e, each of which must be a member that belongs in the body, in v.
func (x xmlReader) structure(v reflect.Value, e *element) *badInput {
	p := x.plans[v.Type()]
	if strings.TrimSpace(e.text) != "" {
		return unreadable(e.text, "Text stands where elements are expected.")
	}
	seen := map[string]bool{}
	for _, k := range e.kids {
		m := p.byName[k.name]
		if m == nil || m.place != "" {
			return unreadable("", "Invalid content was found starting with element '"+shortened(k.name, maxEcho)+"'.")
		}
		if seen[k.name] && !m.flat {
			return within(k.name, unreadable("", "The element is given twice."))
		}
		seen[k.name] = true
		if b := x.value(v.Field(m.index), k, m); b != nil {
			return within(k.name, b)
		}
	}
	return nil
}

// value stores one element in v, which may be anything.
func (x xmlReader) value(v reflect.Value, e *element, m *memberPlan) *badInput {
	v = settable(v)
	switch {
	case isList(v.Type()) && m.flat:
		return x.item(v, e, m)
	case isList(v.Type()):
		if v.IsNil() {
			v.Set(reflect.MakeSlice(v.Type(), 0, len(e.kids)))
		}
		for i, k := range e.kids {
			if k.name != cmp.Or(m.item, "member") {
				return unreadable("", "Invalid content was found starting with element '"+shortened(k.name, maxEcho)+"'.")
			}
			if b := x.item(v, k, m); b != nil {
				return within(strconv.Itoa(i+1), b)
			}
		}
		return nil
	case v.Kind() == reflect.Map:
		return unreadable("", "Maps are not expected.")
	case isStructure(v.Type()):
		return x.structure(v, e)
	}
	if len(e.kids) > 0 {
		return unreadable("", "Elements stand where text is expected.")
	}
	content := e.text
	if v.Kind() != reflect.String {
		content = strings.TrimSpace(content)
	}
	return setText(v, content, cmp.Or(m.time, iso8601))
}

// item adds one element to the list v.
func (x xmlReader) item(v reflect.Value, e *element, m *memberPlan) *badInput {
	item := reflect.New(v.Type().Elem()).Elem()
	if b := x.value(item, e, m); b != nil {
		return b
	}
	v.Set(reflect.Append(v, item))
	return nil
}
