package agent

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"kumiko/internal/session/ssm/identity"
	"kumiko/internal/session/ssm/link"
)

// agent is a running agent.
type agent struct {
	*caller
	log     *logger
	control *link.Link

	mu       sync.Mutex
	up       bool // the control channel is
	sessions map[string]*session
	acks     map[string]chan struct{} // by session: its result has been acknowledged
	jobs     map[string]func()        // by id: ends the job
	running  sync.WaitGroup
}

// Main runs the agent until it is told to end, and returns its exit status.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	log, err := openLog(LogFile)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	c, err := readConfig(ConfigFile)
	if err != nil {
		log.error("amazon-ssm-agent", "%v", err)
	}
	log.info("amazon-ssm-agent", "amazon-ssm-agent - v%s", Version)
	i, err := identify(ctx, c, log)
	if err != nil {
		return 0 // the instance goes down
	}
	a := &agent{caller: newCaller(i, c), log: log, sessions: map[string]*session{}, acks: map[string]chan struct{}{}, jobs: map[string]func(){}}
	a.run(ctx)
	return 0
}

// identify asks who we are until somebody says.
func identify(ctx context.Context, c config, log *logger) (*identity.Identity, error) {
	for {
		i, err := identity.New(ctx)
		if err == nil {
			return i, nil
		}
		log.error("amazon-ssm-agent", "Agent failed to assume any identity: %v", err)
		t := time.NewTimer(c.health())
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, ctx.Err()
		}
	}
}

// run reports health, and from the first report that was taken on keeps the control channel. It goes last: by it the ends
// of the sessions are told.
func (a *agent) run(ctx context.Context) {
	a.control = link.New(link.Config{Open: a.openControl, Take: a.fromControl, Up: a.controlUp, Failed: a.controlFailed})
	controlCtx, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	var once sync.Once
	var control sync.WaitGroup
	a.reportHealth(ctx, func() {
		once.Do(func() {
			control.Go(func() {
				err := a.control.Run(controlCtx)
				a.log.info("MessageGatewayService", "the control channel ends: %v", err)
			})
		})
	})
	a.mu.Lock()
	for _, s := range a.sessions {
		s.stop("")
	}
	a.mu.Unlock()
	a.running.Wait()
	hangUp()
	control.Wait()
}

// channel is how the service reaches this agent.
func (a *agent) channel() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.up {
		return "ssmmessages"
	}
	return ""
}
