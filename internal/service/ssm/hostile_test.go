package ssm

import (
	"context"
	"reflect"
	"testing"
	"time"
)

// Whatever an operation is asked with, it answers, and a refusal changes nothing.
func TestNoInputBreaksAnOperation(t *testing.T) {
	x := newSite(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	operations := append(x.Describe().Operations, x.Delivery().Operations...)
	for _, op := range operations {
		method := reflect.ValueOf(x.Service).MethodByName(op.Name)
		if !method.IsValid() { // an alias of another one
			continue
		}
		for _, text := range []string{"", " ", "a\x00b", "/", "//", "arn:", ":", known, "$LATEST", "-1", "[", "{", "tag:", "aws.ssm.x." + known, "\xff"} {
			in := reflect.New(method.Type().In(2).Elem())
			if text != "" {
				fill(in.Elem(), text)
			}
			ctx := t.Context()
			if op.Name == "GetMessages" { // which would wait
				ctx = gone
			}
			before := x.Store.World()
			out := method.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(x.instance(known)), in})
			after := x.Store.World()
			if !out[1].IsNil() && before.Rev != after.Rev {
				t.Errorf("%s with %q is refused and changes something: %v", op.Name, text, out[1])
			}
		}
	}
}

// fill sets all there is in a structure.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), text)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), text)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, text)
		fill(value, text)
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64:
		v.SetInt(1)
	}
}
