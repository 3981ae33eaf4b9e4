package wire

import (
	"reflect"
	"strings"
	"time"
)

// plans say, for every structure, what its tags say.
type plans map[reflect.Type]*plan

// plan is a structure with its members.
type plan struct {
	members []*memberPlan
	byName  map[string]*memberPlan // name in requests
}

// memberPlan is a member of a structure.
type memberPlan struct {
	index  int
	in     string
	out    string
	place  string
	item   string
	time   string
	shape  string
	need   bool
	flat   bool
	union  bool
	isList bool
}

// add makes the plans of t and of all structures it reaches.
func (ps plans) add(t reflect.Type) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() || ps[t] != nil {
		return
	}
	p := &plan{byName: map[string]*memberPlan{}}
	ps[t] = p
	for i := range t.NumField() {
		f := t.Field(i)
		m := newMember(i, f.Tag.Get("aws"))
		m.isList = isList(f.Type)
		p.members = append(p.members, m)
		p.byName[m.in] = m
		ps.add(f.Type)
	}
}

// newMember reads a tag.
func newMember(index int, tag string) *memberPlan {
	name, rest, _ := strings.Cut(tag, ",")
	m := &memberPlan{index: index, in: name, out: name}
	for option := range strings.SplitSeq(rest, ",") {
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "out":
			m.out = value
		case "at":
			m.place = value
		case "item":
			m.item = value
		case "time":
			m.time = value
		case "shape":
			m.shape = value
		case "need":
			m.need = true
		case "flat":
			m.flat = true
		case "union":
			m.union = true
		}
	}
	return m
}

// isList tells lists from blobs.
func isList(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8
}
