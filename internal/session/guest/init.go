package guest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"kumiko/internal/kernel/remote"
	"kumiko/internal/kernel/sandbox"
)

// grace is how long processes may take to end by themselves when the instance stops.
const grace = 2 * time.Second

// guest is a running instance, seen from inside.
type guest struct {
	orders  remote.Orders
	log     *slog.Logger
	console *console
	procs   *processes
	control *net.UnixListener // the machine's socket
	socket  *os.File          // the same, kept for the next boot
	agent   sync.Once         // starts the SSM agent
	down    atomic.Bool       // it goes down: nothing is started any more
}

// runInit is the life of an instance. It returns the exit status.
// The arguments, if any, are the numbers of the descriptors of orders and socket.
func runInit(args []string) int {
	debug.SetGCPercent(40) // an idle instance shall be small
	con := newConsole(os.Stdout)
	g := &guest{console: con, log: slog.New(slog.NewTextHandler(con, nil)), procs: newProcesses()}
	children := make(chan os.Signal, 1)
	power := make(chan os.Signal, 4)
	signal.Notify(children, syscall.SIGCHLD)
	signal.Notify(power, syscall.SIGTERM, syscall.SIGINT, syscall.SIGPWR)
	hearAll()
	if err := g.boot(args); err != nil {
		g.log.Error("boot", "err", err)
		return 1
	}
	for {
		select {
		case <-children:
			g.procs.reap()
		case sig := <-power:
			g.log.Info("going down", "signal", sig.String())
			g.down.Store(true)
			g.control.Close() // who connects from now on waits for the next boot
			g.end(children)
			if sig != syscall.SIGINT {
				return 0
			}
			if err := g.again(); err != nil {
				g.log.Error("reboot", "err", err)
				return 1
			}
		}
	}
}

// boot brings the instance up and reports that it is ready.
func (g *guest) boot(args []string) error {
	orders, control := remote.OrdersFile, remote.ControlFile
	if len(args) == 2 {
		if _, err := fmt.Sscan(args[0]+" "+args[1], &orders, &control); err != nil {
			return fmt.Errorf("guest: descriptors: %w", err)
		}
	}
	if err := g.takeOrders(uintptr(orders), uintptr(control)); err != nil {
		return err
	}
	first, err := g.identify()
	if err != nil {
		return err
	}
	later := g.configure(first)
	if err := g.answerSSH(); err != nil {
		g.log.Error("ssh", "err", err)
	}
	if err := g.answerSudo(); err != nil {
		g.log.Error("sudo", "err", err)
	}
	if err := g.answerMachine(); err != nil {
		return err
	}
	if g.orders.Agent {
		g.startAgent()
	}
	g.log.Info("ready", "instance", g.orders.ID, "boot", g.orders.Boot, "first", first)
	go func() { // ends with the instance
		later()
		debug.FreeOSMemory()
	}()
	return nil
}

// takeOrders reads the orders and takes over the machine's socket.
func (g *guest) takeOrders(orders, control uintptr) error {
	f := os.NewFile(orders, "orders")
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return fmt.Errorf("guest: read orders: %w", err)
	}
	if len(b) == 0 {
		return errors.New("guest: no orders") // whoever started this gave up
	}
	if err := json.Unmarshal(b, &g.orders); err != nil {
		return fmt.Errorf("guest: read orders: %w", err)
	}
	g.socket = os.NewFile(control, "control")
	l, err := net.FileListener(g.socket)
	if err != nil {
		return fmt.Errorf("guest: take over socket: %w", err)
	}
	unixListener, ok := l.(*net.UnixListener)
	if !ok {
		l.Close()
		return errors.New("guest: the machine's socket is of another kind")
	}
	unix.CloseOnExec(int(control))
	g.control = unixListener
	return nil
}

// end asks all processes to end and waits until they have, or the grace is over.
func (g *guest) end(children <-chan os.Signal) {
	syscall.Kill(-1, syscall.SIGHUP)
	syscall.Kill(-1, syscall.SIGTERM)
	syscall.Kill(-1, syscall.SIGCONT)
	over := time.NewTimer(grace)
	defer over.Stop()
	for g.procs.reap() {
		select {
		case <-children:
		case <-over.C:
			syscall.Kill(-1, syscall.SIGKILL)
			for g.procs.reap() {
				<-children
			}
			return
		}
	}
}

// again starts init anew in place, with the same orders: a reboot from inside.
func (g *guest) again() error {
	b, err := json.Marshal(g.orders)
	if err != nil {
		return fmt.Errorf("guest: write orders: %w", err)
	}
	orders, err := unix.MemfdCreate("orders", 0) // without close-on-exec: the next init reads it
	if err != nil {
		return fmt.Errorf("guest: write orders: %w", err)
	}
	if _, err := unix.Pwrite(orders, b, 0); err != nil {
		return fmt.Errorf("guest: write orders: %w", err)
	}
	if _, err := unix.FcntlInt(g.socket.Fd(), unix.F_SETFD, 0); err != nil {
		return fmt.Errorf("guest: keep socket: %w", err)
	}
	args := []string{os.Args[0], remote.InitArgument, "init", strconv.Itoa(orders), strconv.Itoa(int(g.socket.Fd()))}
	return fmt.Errorf("guest: start anew: %w", syscall.Exec(sandbox.ProgramPath, args, os.Environ()))
}
