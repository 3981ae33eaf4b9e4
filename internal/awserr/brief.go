package awserr

import (
	"maps"
	"strings"
)

// maxText is the length, in bytes, of the longest text an error has. Errors repeat what is wrong in a request, which
// may be as long as requests can be.
const maxText = 4 << 10

// Brief is the error with texts of bearable length.
func (e *Error) Brief() *Error {
	out := *e
	out.Message = brief(e.Message)
	out.Fields = maps.Clone(e.Fields)
	for name, v := range out.Fields {
		switch v := v.(type) {
		case string:
			out.Fields[name] = brief(v)
		case []Field:
			fields := make([]Field, len(v))
			for i, f := range v {
				fields[i] = Field{brief(f.Name), brief(f.Message)}
			}
			out.Fields[name] = fields
		}
	}
	return &out
}

func brief(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + "…"
}
