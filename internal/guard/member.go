package guard

import (
	"reflect"
	"strings"
	"time"

	"kumiko/internal/world"
)

// members are the texts in an operation's input, by the names the service's model gives them, wherever they are in it.
type members struct {
	texts []text
	tags  []world.Tag // to be set on what is made or changed
}

type text struct {
	name, value string
	deep        bool // in a structure of the input
}

// read walks an input. What filters a listing names is nothing the operation is about.
func read(in any) members {
	var m members
	m.walk("", reflect.ValueOf(in), 0)
	return m
}

func (m *members) walk(name string, v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			m.walk(name, v.Elem(), depth)
		}
	case reflect.String:
		m.texts = append(m.texts, text{name, v.String(), depth > 1})
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		for i := range v.Len() {
			m.walk(name, v.Index(i), depth)
		}
	case reflect.Map:
		m.walkMap(name, v, depth)
	case reflect.Struct:
		if v.Type() != reflect.TypeFor[time.Time]() && name != "Filters" && !m.walkTag(name, v) {
			for i := range v.NumField() {
				m.walk(v.Type().Field(i).Name, v.Field(i), depth+1)
			}
		}
	}
}

// walkMap takes a map named Tags as tags.
func (m *members) walkMap(name string, v reflect.Value, depth int) {
	for _, k := range v.MapKeys() {
		value := v.MapIndex(k)
		if strings.EqualFold(name, "tags") && value.Kind() == reflect.String {
			m.tags = append(m.tags, world.Tag{Key: k.String(), Value: value.String()})
			continue
		}
		m.walk(name, value, depth)
	}
}

// walkTag takes a structure with a key and a value as a tag, if it is in a list of tags.
func (m *members) walkTag(name string, v reflect.Value) bool {
	key, value := v.FieldByName("Key"), v.FieldByName("Value")
	if name != "Tags" || !key.IsValid() || !value.IsValid() || key.Kind() != reflect.Pointer || value.Kind() != reflect.Pointer || key.IsNil() {
		return false
	}
	t := world.Tag{Key: key.Elem().String()}
	if !value.IsNil() {
		t.Value = value.Elem().String()
	}
	m.tags = append(m.tags, t)
	return true
}

// all are the values of members with one of the names.
func (m members) all(names ...string) (out []string) {
	for _, t := range m.texts {
		for _, n := range names {
			if strings.EqualFold(t.name, n) && t.value != "" {
				out = append(out, t.value)
			}
		}
	}
	return out
}

// first is the first value of members with one of the names, or nothing.
func (m members) first(names ...string) string {
	if all := m.all(names...); len(all) > 0 {
		return all[0]
	}
	return ""
}

// arnTargets are the resources whose ARNs an input has.
func arnTargets(m members) (out []target) {
	for _, t := range m.texts {
		if strings.HasPrefix(t.value, "arn:") && strings.HasSuffix(strings.TrimSuffix(strings.ToLower(t.name), "s"), "arn") {
			out = append(out, target{arn: t.value})
		}
	}
	return out
}
