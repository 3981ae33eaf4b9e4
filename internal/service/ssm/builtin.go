package ssm

import (
	"embed"
	"path"
	"strings"
)

// documents are AWS's own, as far as they are used here. (Their public contents, shortened.)
//
//go:embed documents/*.json
var documents embed.FS

// builtin are AWS's documents by name.
func builtin() map[string]document {
	out := map[string]document{}
	files, err := documents.ReadDir("documents")
	if err != nil {
		panic(err) // they are part of the program
	}
	for _, f := range files {
		text, err := documents.ReadFile(path.Join("documents", f.Name()))
		if err != nil {
			panic(err)
		}
		d, err := parse(string(text))
		if err != nil {
			panic(err)
		}
		d.name, d.owner, d.version, d.kind = strings.TrimSuffix(f.Name(), ".json"), "Amazon", 1, "Command"
		if d.body.SessionType != "" {
			d.kind = "Session"
		}
		out[d.name] = d
	}
	return out
}
