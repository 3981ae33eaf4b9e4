package guest

import (
	"fmt"
	"io"
	"math"
	"os"
	"syscall"

	"kumiko/internal/session/guest/cloudinit"
)

// Files of user data, where cloud-init has them.
const (
	outputLog  = "/var/log/cloud-init-output.log"
	scriptPath = "/var/lib/cloud/instance/scripts/part-%03d"
	finished   = "/var/lib/cloud/instance/boot-finished"
)

// configure does what user data asks for before anybody can log in, and
// returns what is to be done later, while the instance is already in use.
func (g *guest) configure(first bool) (later func()) {
	data, err := cloudinit.Parse(g.orders.UserData)
	for _, w := range data.Warnings {
		g.log.Warn("user data", "warning", w)
	}
	if err != nil {
		g.log.Error("user data", "err", err)
	}
	if first {
		if err := data.Config.Apply(etc(), g.orders.User); err != nil {
			g.log.Error("user data", "err", err)
		}
		if name := data.Config.HostName(); name != "" {
			g.log.Warn("user data: the host name is the machine's to give and stays", "asked", name)
		}
	}
	return func() {
		if len(g.orders.UserData) == 0 {
			return
		}
		out, err := os.OpenFile(outputLog, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644)
		if err != nil {
			g.log.Error("user data", "err", err)
			return
		}
		defer out.Close()
		g.runUserData(data, first, out)
		if first {
			if err := write(finished, g.orders.ID+"\n", 0o644); err != nil {
				g.log.Error("user data", "err", err)
			}
		}
	}
}

// runUserData runs the commands of each boot, then those of the first one.
func (g *guest) runUserData(data cloudinit.Data, first bool, out *os.File) {
	for i, hook := range data.Hooks {
		g.runScript(900+i, hook, out)
	}
	for _, c := range data.Config.BootCommands() {
		g.runLogged(c, out)
	}
	if !first {
		return
	}
	for _, c := range data.Config.FirstCommands() {
		g.runLogged(c, out)
	}
	for i, s := range data.Scripts {
		g.runScript(i+1, s, out)
	}
	if m := data.Config.FinalMessage; m != "" {
		fmt.Fprintln(io.MultiWriter(out, g.console), m)
	}
}

func (g *guest) runScript(n int, text []byte, out *os.File) {
	path := fmt.Sprintf(scriptPath, n)
	if err := write(path, string(text), 0o700); err != nil {
		g.log.Error("user data", "err", err)
		return
	}
	g.runLogged([]string{path}, out)
}

// runLogged runs a command as root and waits for it. Its output goes straight to the log, so that nothing is lost
// whoever still holds it open, and then to the console.
func (g *guest) runLogged(argv []string, out *os.File) {
	begin, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		g.log.Error("user data", "err", err)
		return
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		g.log.Error("user data", "err", err)
		return
	}
	defer null.Close()
	root, err := etc().Lookup("root")
	if err != nil {
		g.log.Error("user data", "err", err)
		return
	}
	path, err := lookPath(argv[0], "/")
	if err != nil {
		g.log.Error("user data", "command", argv[0], "err", err)
		return
	}
	_, status, err := g.procs.start(path, argv, &syscall.ProcAttr{
		Dir: "/", Env: root.Environment(nil), Files: []uintptr{null.Fd(), out.Fd(), out.Fd()}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		g.log.Error("user data", "command", argv[0], "err", err)
		return
	}
	c := code(<-status)
	if _, err := io.Copy(g.console, io.NewSectionReader(out, begin, math.MaxInt64-begin)); err != nil {
		g.log.Error("user data", "err", err)
	}
	if c != 0 {
		g.log.Error("user data", "command", argv[0], "exit", c)
	}
}
