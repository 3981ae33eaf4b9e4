package doctor

import (
	"context"
	"fmt"
	"os"
)

// Level is how much a finding matters.
type Level string

// The levels of a finding.
const (
	OK      Level = "ok"
	Warning Level = "warning" // works, with a limit
	Missing Level = "missing" // something needed is not there
)

// Finding is what one check found.
type Finding struct {
	Name   string `json:"name"`
	Level  Level  `json:"level"`
	Text   string `json:"text"`             // what is there, or is not
	Remedy string `json:"remedy,omitempty"` // how to get what is not
}

// Check makes all checks, for a daemon with that state folder.
func Check(ctx context.Context, state string) []Finding {
	out := []Finding{root()}
	out = append(out, kernel()...)
	out = append(out, tools(ctx)...)
	out = append(out, stateFolder(state))
	return append(out, limits()...)
}

// Healthy tells whether nothing needed is missing.
func Healthy(f []Finding) bool {
	for _, x := range f {
		if x.Level == Missing {
			return false
		}
	}
	return true
}

func root() Finding {
	f := Finding{Name: "root", Level: OK, Text: "running as root"}
	if os.Geteuid() != 0 {
		f.Level, f.Text, f.Remedy = Missing, fmt.Sprintf("running as user %d", os.Geteuid()), "run it with sudo; the kernel's checks need it too"
	}
	return f
}

// found is a finding that depends on an error.
func found(name, good string, err error, remedy string) Finding {
	if err == nil {
		return Finding{Name: name, Level: OK, Text: good}
	}
	return Finding{Name: name, Level: Missing, Text: err.Error(), Remedy: remedy}
}
