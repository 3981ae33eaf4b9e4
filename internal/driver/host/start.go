package host

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/kernel/remote"
	"kumiko/internal/kernel/sandbox"
)

// start makes the host's process and records it. It is not ready yet.
func (d *Driver) start(w *fabric.Host) (*host, error) {
	run := d.runDir(w.ID)
	if err := os.MkdirAll(run, 0o700); err != nil {
		return nil, fmt.Errorf("host: make folder: %w", err)
	}
	root, err := d.root(w)
	if err != nil {
		return nil, err
	}
	console, err := os.OpenFile(filepath.Join(run, consoleFile), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("host: open console: %w", err)
	}
	defer console.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, fmt.Errorf("host: open null: %w", err)
	}
	defer null.Close()
	orders, send, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("host: make pipe: %w", err)
	}
	defer send.Close() // without having written orders, it tells init to end
	defer orders.Close()
	socket, err := remote.Listen(filepath.Join(run, socketFile))
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	group, err := d.cgroups.create(w.ID)
	if err != nil {
		return nil, err
	}
	if group != nil {
		defer group.Close()
	}
	told := tell(w)
	p, err := sandbox.Start(sandbox.Spec{
		NetNS:    kernel.Path(d.config.Run, w.ID),
		Hostname: told.FQDN(),
		Root:     root,
		Args:     []string{"init", remote.InitArgument},
		Env:      []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "GOMAXPROCS=2"},
		Files:    []*os.File{null, console, console, orders, socket},
		Cgroup:   group,
	})
	if err != nil {
		d.cgroups.delete(w.ID)
		return nil, fmt.Errorf("host: start %s: %w", w.ID, err)
	}
	h := &host{id: w.ID, process: p, status: Status{Boot: w.Boot}, agent: w.Agent, gone: make(chan struct{})}
	err = d.recordStart(h)
	if err == nil {
		err = json.NewEncoder(send).Encode(told)
	}
	d.mu.Lock()
	d.hosts[w.ID] = h
	d.set(h, Starting)
	d.mu.Unlock()
	d.watchers.Go(func() { d.watch(h) })
	if err != nil {
		d.log.Error("instance got no orders", "id", w.ID, "err", err) // it ends by itself and the caller sees it
	}
	return h, nil
}

func (d *Driver) recordStart(h *host) error {
	start, err := startTime(h.process.PID)
	if err != nil {
		return err
	}
	return d.writeRecord(h.id, record{PID: h.process.PID, Start: start, Machine: d.bootID, Boot: h.status.Boot})
}

// tell is what init needs to know of the host.
func tell(w *fabric.Host) remote.Orders {
	o := remote.Orders{
		ID: string(w.ID), Boot: w.Boot, Hostname: w.Hostname, Domain: w.Domain, Resolver: w.Resolver,
		User: w.User, Keys: w.Keys, UserData: w.UserData, Agent: w.Agent,
	}
	if len(w.Ports) > 0 && len(w.Ports[0].Addrs) > 0 {
		o.Addr = w.Ports[0].Addrs[0]
	} else {
		o.Addr = netip.Addr{}
	}
	return o
}

// root is the host's root file system. Its writable layers are kept from boot to boot.
func (d *Driver) root(w *fabric.Host) (sandbox.Root, error) {
	dir := d.stateDir(w.ID)
	layer := func(name string, lower ...string) sandbox.Overlay {
		return sandbox.Overlay{Lower: lower, Upper: filepath.Join(dir, name), Work: filepath.Join(dir, name+".work")}
	}
	r := sandbox.Root{Mount: filepath.Join(dir, "root"), Folders: d.config.Folders, Program: d.config.Program}
	if image := d.config.Images[w.Image]; image != "" {
		r.Base = layer("base", image)
	} else {
		skeleton, err := d.skeletons.of(w.User)
		if err != nil {
			return r, err
		}
		r.Base, r.Usr = layer("base", filepath.Join(skeleton, baseFolder)), layer("usr", filepath.Join(skeleton, shimFolder), "/usr")
		for _, l := range usrLinks() { // on machines where these are no part of /usr
			if info, err := os.Lstat("/" + l); err == nil && info.IsDir() {
				r.Folders = append(slices.Clone(r.Folders), "/"+l)
			}
		}
	}
	folders := []string{r.Mount, r.Base.Upper, r.Base.Work}
	if len(r.Usr.Lower) > 0 {
		folders = append(folders, r.Usr.Upper, r.Usr.Work)
	}
	for _, f := range folders {
		if err := os.MkdirAll(f, 0o755); err != nil {
			return r, fmt.Errorf("host: make folder: %w", err)
		}
	}
	return r, nil
}
