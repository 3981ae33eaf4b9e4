package guest

import (
	"fmt"
	"os"

	"kumiko/internal/session/guest/sshd"
)

// Main plays the part the arguments name and does not return. The program
// calls it before anything else when its first argument is "guest-init".
func Main() {
	part, args := "init", []string(nil)
	if len(os.Args) > 2 {
		part, args = os.Args[2], os.Args[3:]
	}
	switch part {
	case "init":
		os.Exit(runInit(args))
	case "sshd":
		os.Exit(sshd.Main())
	case "sftp":
		os.Exit(sshd.ServeFiles())
	case "sudo":
		os.Exit(sudo(args))
	default:
		fmt.Fprintf(os.Stderr, "guest: no part %q\n", part)
		os.Exit(2)
	}
}
