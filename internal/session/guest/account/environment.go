package account

import (
	"slices"
	"strings"

	"kumiko/internal/kernel"
)

// searchPath is where users' commands are found.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Environment is that of the user's fresh shell, changed by the given
// NAME=VALUE settings, the later of which wins.
func (u User) Environment(more []string) []string {
	env := []string{"PATH=" + searchPath, "HOME=" + u.Home, "USER=" + u.Name, "LOGNAME=" + u.Name, "SHELL=" + u.Shell, "LANG=C.UTF-8"}
	for _, m := range append(kernel.Trust(), more...) {
		name, _, ok := strings.Cut(m, "=")
		if !ok {
			continue
		}
		env = slices.DeleteFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") })
		env = append(env, m)
	}
	return env
}
