package archtest

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// may says which of our packages a folder of internal/ may import besides those within itself; app and cmd are the
// hubs and import what they wire.
var may = map[string][]string{
	"api":       {"awserr", "world"},
	"awserr":    {"world"},
	"cli":       {"kernel/nft"},
	"driver":    {"fabric", "kernel", "world", "policy"},
	"fabric":    {"world", "policy"},
	"kernel":    {"world"},
	"policy":    {},
	"reach":     {"fabric", "world"},
	"reconcile": {"store", "fabric", "driver", "world"},
	"record":    {"fabric", "world", "store"},
	"service":   {"api", "store", "world", "policy", "reach", "awserr", "record", "fabric"},
	"session":   {"kernel", "record", "fabric", "world", "api/sigv4"},
	"store":     {"world"},
	"testkit":   {"cli", "kernel", "fabric", "world", "api/sigv4"},
	"world":     {},
	"archtest":  {},
}

// siblings are folders whose packages do not import each other, but for the listed ones.
var siblings = map[string][]string{
	"service": {"service/listing"},
	"driver":  {},
	"session": {"session/guest/account", "session/guest/terminal"},
}

// pure packages have no I/O, no clock and no randomness.
var pure = [...]string{"world", "fabric", "reach", "policy"}

// impure are the packages of the standard library that pure ones stay away from.
var impure = [...]string{"os", "os/exec", "net", "net/http", "math/rand", "math/rand/v2", "crypto/rand", "syscall", "log", "log/slog", "sync"}

// libraries are third-party modules that only the folders named may use.
var libraries = map[string][]string{
	"github.com/vishvananda/netlink": {"kernel", "driver", "cli/doctor", "testkit"},
	"github.com/mdlayher/netlink":    {"kernel", "driver", "testkit"},
	"github.com/miekg/dns":           {"driver/dns", "service/route53", "testkit"},
	"go.etcd.io/bbolt":               {"store"},
	"github.com/spf13/cobra":         {"cli"},
	"github.com/coder/websocket":     {"session/ssm"},
	"github.com/xtaci/smux":          {"session/ssm"},
	"golang.org/x/sys":               {"kernel", "driver", "session", "cli", "record", "testkit", "app", "store"},
}

func TestImports(t *testing.T) {
	s := repository(t)
	for _, f := range s.files {
		if f.test || !strings.HasPrefix(f.pkg, "internal/") {
			continue
		}
		pkg := strings.TrimPrefix(f.pkg, "internal/")
		for _, i := range f.ast.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if why := forbidden(pkg, p); why != "" {
				t.Errorf("%s: %s must not import %s: %s", s.at(i), pkg, p, why)
			}
		}
	}
}

func forbidden(pkg, imported string) string {
	if in, ok := strings.CutPrefix(imported, module+"/internal/"); ok {
		return between(pkg, in)
	}
	if strings.HasPrefix(imported, module+"/") {
		return "only packages under internal/ are for others"
	}
	if slices.Contains(pure[:], top(pkg)) && slices.Contains(impure[:], imported) {
		return "the package is pure"
	}
	for lib, users := range libraries {
		if within(imported, lib) && !slices.ContainsFunc(users, func(u string) bool { return within(pkg, u) }) {
			return "this library is for " + strings.Join(users, ", ")
		}
	}
	return ""
}

func between(pkg, in string) string {
	a, b := top(pkg), top(in)
	switch {
	case pkg == "app":
		return ""
	case a == b:
		excused, together := siblings[a]
		if together && path.Dir(pkg) != "." && branch(pkg) != branch(in) && !slices.Contains(excused, in) {
			return "packages under " + a + " do not know each other"
		}
		return ""
	}
	allowed, ok := may[a]
	if !ok {
		return a + " is not in the table of who may import whom"
	}
	if !slices.ContainsFunc(allowed, func(p string) bool { return within(in, p) }) {
		return a + " may import " + strings.Join(allowed, ", ")
	}
	return ""
}

// top is the first folder of a package's path, branch the first two.
func top(pkg string) string { first, _, _ := strings.Cut(pkg, "/"); return first }

func branch(pkg string) string {
	parts := strings.SplitN(pkg, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

func within(pkg, folder string) bool { return pkg == folder || strings.HasPrefix(pkg, folder+"/") }
