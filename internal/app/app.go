package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"kumiko/internal/api/sealed"
	"kumiko/internal/cli/admin"
	"kumiko/internal/driver/health"
	"kumiko/internal/guard"
	"kumiko/internal/reconcile"
	"kumiko/internal/record"
	"kumiko/internal/record/access"
	"kumiko/internal/record/flowlog"
	"kumiko/internal/record/querylog"
	"kumiko/internal/session/door"
	"kumiko/internal/store"
)

// Config is what a daemon needs to know.
type Config struct {
	State     string           // the state folder, absolute
	Listen    string           // host:port of the AWS APIs
	Open      bool             // a 12-digit access key id is that account, whatever the secret
	StrictAMI bool             // refuse unknown AMI ids
	IAMWarn   bool             // log what IAM refuses, and let it pass
	Folders   []string         // further folders of the machine that instances may read
	Version   string           // told by the status command
	Ready     func(url string) // called once the API answers
	Log       *slog.Logger

	trusted []byte // certificates that instances trust besides the machine's
}

// Run runs a daemon until ctx ends, or until it is told over the admin socket to take everything down. What runs in
// the kernel and the instances go on when ctx ends.
func Run(ctx context.Context, c Config) error {
	if c.Open && !loopback(c.Listen) {
		return fmt.Errorf("%s can be reached from other machines: without checking secrets the APIs listen on loopback only", c.Listen)
	}
	f := folder(c.State)
	if err := f.make(); err != nil {
		return err
	}
	lock, err := f.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	d := &daemon{conf: c, folder: f, started: time.Now()}
	if err := d.open(ctx); err != nil {
		return errors.Join(err, d.close())
	}
	err = d.serve(ctx)
	return errors.Join(err, d.close())
}

// loopback tells whether only this machine can reach the address.
func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// daemon is a running daemon. Its parts are made by open, in this order, and closed by close in the opposite one.
type daemon struct {
	conf    Config
	folder  folder
	started time.Time

	store    *store.Store
	accounts accounts
	box      *sealed.Box
	guard    *guard.Guard
	logs     *record.Store
	access   *access.Recorder
	queries  *querylog.Recorder
	drivers  *drivers
	loop     *reconcile.Loop
	handler  http.Handler // of the AWS APIs
	checker  *health.Checker
	channels *channels

	url      string
	listener net.Listener // of the APIs
	private  net.Listener // of the admin socket
	shutdown context.CancelFunc
}

func (d *daemon) open(ctx context.Context) (err error) {
	if d.store, err = store.Open(d.folder.world()); err != nil {
		return err
	}
	sealing, err := d.folder.secret("sealing", sealed.KeySize, rand.Read)
	if err != nil {
		return err
	}
	if d.box, err = sealed.New(sealing); err != nil {
		return err
	}
	d.accounts = accounts{d.store, d.box}
	if err := d.accounts.ensureDefault(ctx); err != nil {
		return err
	}
	if d.logs, err = record.Open(d.folder.record(), record.Options{}); err != nil {
		return err
	}
	d.access = access.New(access.Config{Store: d.store, Log: d.logs})
	d.queries = querylog.New(querylog.Config{Store: d.store, Log: d.logs})
	key, err := d.folder.secret("metadata-token", 32, rand.Read)
	if err != nil {
		return err
	}
	authority, err := door.OpenAuthority(d.folder.secrets())
	if err != nil {
		return err
	}
	d.conf.trusted = authority.PEM()
	// A start that fails has made nothing in the kernel: the drivers come last.
	if d.listener, err = net.Listen("tcp", d.conf.Listen); err != nil {
		return fmt.Errorf("listen for the APIs: %w", err)
	}
	d.url = "http://" + d.listener.Addr().String()
	if d.private, err = admin.Listen(d.conf.State); err != nil {
		return fmt.Errorf("listen for commands: %w", err)
	}
	d.guard = d.guardOf(d.store)
	if d.drivers, err = newDrivers(d.conf, d.folder, metadata{key, newInstanceRoles(d.store, d.guard, d.box).role}, recorders{d.access, d.queries}); err != nil {
		return err
	}
	d.drivers.records = flowlog.New(flowlog.Config{Store: d.store, Log: d.logs, Source: counted{d.drivers.flows}})
	d.checker = d.newChecker()
	if d.handler, err = d.front(); err != nil {
		return err
	}
	d.drivers.doors = d.doors(d.handler, authority)
	d.loop = reconcile.New(d.store, d.drivers.forLoop(), d.finish, d.conf.Log)
	return nil
}

// serve runs the reconciler and the servers until ctx ends or one of them fails.
func (d *daemon) serve(ctx context.Context) (err error) {
	ctx, d.shutdown = context.WithCancel(ctx)
	defer d.shutdown()
	down := &shutdown{daemon: d, asked: make(chan struct{}), gone: make(chan error, 1)}
	lab := &lab{daemon: d, trials: map[string]*trial{}}
	defer lab.close()
	api := &http.Server{Handler: d.handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(d.conf.Log.Handler(), slog.LevelDebug)}
	private := &http.Server{Handler: admin.Handler(admin.Parts{Backend: backend{d, down}, Ledger: d.accounts, Lab: lab})}

	var wg sync.WaitGroup
	failed := make(chan error, 3)
	wg.Go(func() { failed <- d.loop.Run(ctx) })
	wg.Go(func() { d.drivers.records.Run(ctx) })
	wg.Go(func() { d.check(ctx) })
	wg.Go(func() { d.checkTargets(ctx) })
	wg.Go(func() { failed <- served(api.Serve(d.listener)) })
	privateDone := make(chan struct{})
	go func() { defer close(privateDone); failed <- served(private.Serve(d.private)) }()
	if d.conf.Ready != nil {
		d.conf.Ready(d.url)
	}
	select {
	case err = <-failed:
	case <-ctx.Done():
	case <-down.asked:
	}
	d.shutdown()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	d.channels.Gateway.Close() // who is thrown out early comes back early
	err = errors.Join(err, api.Shutdown(closing))
	wg.Wait()
	down.finish()
	err = errors.Join(err, private.Shutdown(closing)) // answers the shutdown command, if that is what ended us
	<-privateDone
	return err
}

func served(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (d *daemon) close() error {
	var errs []error
	if d.drivers != nil {
		d.drivers.close()
	}
	if d.channels != nil {
		d.channels.close()
	}
	if d.access != nil {
		d.access.Close()
	}
	if d.queries != nil {
		d.queries.Close()
	}
	if d.logs != nil {
		errs = append(errs, d.logs.Close())
	}
	if d.store != nil {
		errs = append(errs, d.store.Close())
	}
	for _, l := range []net.Listener{d.listener, d.private} {
		if l != nil {
			l.Close() // closed already when it was served
		}
	}
	return errors.Join(errs...)
}

// Down ends everything of a state folder that has no daemon.
func Down(ctx context.Context, state string, log *slog.Logger) error {
	f := folder(state)
	lock, err := f.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	return takeDown(ctx, Config{Log: log}, f)
}

// shutdown is the way from the shutdown command, which must be answered when everything is gone, to the end of the daemon.
type shutdown struct {
	daemon *daemon
	once   sync.Once
	asked  chan struct{}
	gone   chan error
}

// ask starts the end and waits for it.
func (s *shutdown) ask(ctx context.Context) error {
	s.once.Do(func() { close(s.asked) })
	select {
	case err := <-s.gone:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// finish takes everything down if that was asked for. The reconciler has stopped by then.
func (s *shutdown) finish() {
	select {
	case <-s.asked:
		s.gone <- s.daemon.drivers.down(context.Background())
	default:
	}
}
