package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"kumiko/internal/cli/admin"
	"kumiko/internal/driver/nft"
)

// backend answers the commands of the machine's administrator.
type backend struct {
	*daemon
	down *shutdown
}

// Status says how the daemon is.
func (b backend) Status(context.Context) (admin.Status, error) {
	w, seen := b.store.World(), b.store.Seen()
	return admin.Status{
		Version: b.conf.Version, PID: os.Getpid(), Started: b.started, State: b.conf.State, URL: b.url,
		Revision: w.Rev, Applied: seen.Rev, Failing: seen.Failing, Nouns: w.Counts(),
	}, nil
}

// Explain answers a question about the network from the fabric last compiled, and by a packet if that is asked for.
func (b backend) Explain(ctx context.Context, q admin.Question) (admin.Explanation, error) {
	f := b.loop.Fabric()
	out, a, err := explain(f, q)
	if err != nil || !q.Live || !a.Asked.Dst.IsValid() {
		return out, err
	}
	_, port, _ := f.Port(a.From)
	out.Live, err = b.live(ctx, port.Peer.Host, a)
	return out, err
}

// Shutdown ends everything of the state folder.
func (b backend) Shutdown(ctx context.Context) error { return b.down.ask(ctx) }

// Debug writes one of the layers between what was asked for and what is in the kernel.
func (b backend) Debug(ctx context.Context, view string, w io.Writer) error {
	switch view {
	case "world":
		rows, err := b.store.World().Dump()
		if err != nil {
			return err
		}
		return printJSON(w, redact(rows))
	case "fabric":
		return printJSON(w, b.loop.Fabric())
	case "nft":
		f := b.loop.Fabric()
		for _, v := range f.VPCs {
			if _, err := fmt.Fprintf(w, "# %s\n%s\n", v.ID, nft.RenderVPC(v)); err != nil {
				return err
			}
		}
		for _, g := range f.Gateways {
			if _, err := fmt.Fprintf(w, "# %s\n%s\n", g.ID, nft.RenderGateway(g)); err != nil {
				return err
			}
		}
		return nil
	case "flows":
		return b.drivers.tell(ctx, w)
	}
	return fmt.Errorf("%w: view %s", admin.ErrNotFound, view)
}

// redact takes out what may not leave the state folder.
func redact(rows map[string]map[string]json.RawMessage) map[string]map[string]json.RawMessage {
	delete(rows, "access-key")
	return rows
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
