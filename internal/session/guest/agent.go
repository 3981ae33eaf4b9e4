package guest

import (
	"os"
	"strconv"
	"syscall"
	"time"

	"kumiko/internal/kernel"
	"kumiko/internal/kernel/remote"
	"kumiko/internal/kernel/sandbox"
)

// The SSM agent of an instance: the image's own where it has one, else the built-in one.
const (
	imageAgent = "/usr/bin/amazon-ssm-agent"
	agentPID   = "/run/amazon-ssm-agent.pid"
	agentPause = time.Second // before one that has ended is started again
)

// startAgent starts the SSM agent, once, and again whenever it ends, as long as the instance lives.
func (g *guest) startAgent() { g.agent.Do(func() { go g.keepAgent() }) }

func (g *guest) keepAgent() {
	for {
		path, argv := sandbox.ProgramPath, []string{"amazon-ssm-agent", remote.InitArgument, "ssm-agent"}
		if _, err := os.Stat(imageAgent); err == nil { // it may be installed later
			path, argv = imageAgent, []string{imageAgent}
		}
		status, err := g.runAgent(path, argv)
		if err != nil {
			g.log.Error("ssm agent", "err", err)
		} else {
			g.log.Info("ssm agent has ended", "status", code(<-status))
		}
		<-time.After(agentPause)
		if g.down.Load() {
			return
		}
	}
}

// runAgent starts the agent once. What it writes is of no interest: it has a log of its own.
func (g *guest) runAgent(path string, argv []string) (<-chan syscall.WaitStatus, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	root, err := etc().Lookup("root")
	if err != nil {
		return nil, err
	}
	env := append(root.Environment(nil), "SSL_CERT_FILE="+kernel.TrustBundle, "GOMAXPROCS=2", "GOGC=40")
	pid, status, err := g.procs.start(path, argv, &syscall.ProcAttr{
		Dir: "/", Env: env, Files: []uintptr{null.Fd(), null.Fd(), null.Fd()}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return nil, err
	}
	return status, write(agentPID, strconv.Itoa(pid)+"\n", 0o644)
}
