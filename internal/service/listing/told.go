package listing

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Told are the filters whose names are the paths of members of the answer about a row, as "metadata-options.state" is that of
// MetadataOptions.State. Members of lists are matched by one of them, and their names may lack the plural's ending. A name that is
// no path of the answer is a mistake of the program.
func Told[R, A any](answer func(R) A, names ...string) map[string]func(R) []string {
	out := map[string]func(R) []string{}
	for _, name := range names {
		path, ok := fields(reflect.TypeFor[A](), strings.Split(strings.ReplaceAll(strings.ToLower(name), "-", ""), "."))
		if !ok {
			panic("listing: no member is called " + name)
		}
		out[name] = func(r R) []string { return leaves(nil, reflect.ValueOf(answer(r)), path) }
	}
	return out
}

// fields are the fields that lead along the path of names.
func fields(t reflect.Type, names []string) ([]int, bool) {
	if len(names) == 0 {
		return nil, true
	}
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil, false
	}
	for _, ending := range [...]string{"", "s", "es"} {
		for i := range t.NumField() {
			if strings.ToLower(t.Field(i).Name) == names[0]+ending {
				rest, ok := fields(t.Field(i).Type, names[1:])
				return append([]int{i}, rest...), ok
			}
		}
	}
	return nil, false
}

// leaves appends what is at the end of the path, as EC2 writes it.
func leaves(out []string, v reflect.Value, path []int) []string {
	switch {
	case v.Kind() == reflect.Pointer && v.IsNil():
		return out
	case v.Kind() == reflect.Pointer:
		return leaves(out, v.Elem(), path)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			out = leaves(out, v.Index(i), path)
		}
		return out
	case len(path) > 0:
		return leaves(out, v.Field(path[0]), path[1:])
	}
	if at, ok := v.Interface().(time.Time); ok {
		return append(out, at.UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	return append(out, fmt.Sprint(v.Interface()))
}
