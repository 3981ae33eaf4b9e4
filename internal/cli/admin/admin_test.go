package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type fake struct{ down chan struct{} }

func (fake) Status(context.Context) (Status, error) { return Status{URL: "http://127.0.0.1:1"}, nil }
func (fake) Explain(_ context.Context, q Question) (Explanation, error) {
	if q.From == "" {
		return Explanation{}, fmt.Errorf("%w: FROM is empty", ErrUnusable)
	}
	return Explanation{Open: true, Summary: q.From + " reaches " + q.To}, nil
}
func (fake) Debug(_ context.Context, view string, w io.Writer) error {
	if view == "nft" {
		return errors.New("no table")
	}
	_, err := io.WriteString(w, view)
	if view == "fabric" {
		return errors.New("broke in the middle")
	}
	return err
}
func (f fake) Shutdown(context.Context) error { close(f.down); return nil }
func (fake) CreateAccount(_ context.Context, name string) (Account, error) {
	return Account{ID: "111122223333", Name: name, SecretAccessKey: "s"}, nil
}
func (fake) Accounts(context.Context) ([]Account, error) {
	return []Account{{ID: "000000000000", Name: "default", AccessKeyID: "AKIA", SecretAccessKey: "secret"}}, nil
}

func (fake) BeginTrial(context.Context) (Trial, error) {
	return Trial{ID: "t1", URL: "http://127.0.0.1:2"}, nil
}
func (fake) EndTrial(_ context.Context, id string) (Impact, error) {
	if id != "t1" {
		return Impact{}, fmt.Errorf("%w: trial %s", ErrNotFound, id)
	}
	return Impact{Compared: 3}, nil
}

func TestClientAndHandler(t *testing.T) {
	state := filepath.Join(t.TempDir(), strings.Repeat("deep/", 30)) // longer than a socket address
	c, ctx := NewClient(state), t.Context()
	if _, err := c.Status(ctx); !errors.Is(err, ErrNoDaemon) {
		t.Fatalf("without a daemon: %v", err)
	}
	l, err := Listen(state)
	if err != nil {
		t.Fatal(err)
	}
	f := fake{down: make(chan struct{})}
	srv := &http.Server{Handler: Handler(Parts{Backend: f, Ledger: f, Lab: f})}
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(l) }()
	if fi, err := os.Stat(SocketPath(state)); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v %v", fi, err)
	}
	if s, err := c.Status(ctx); err != nil || s.URL != "http://127.0.0.1:1" {
		t.Errorf("status: %+v %v", s, err)
	}
	if a, err := c.Accounts(ctx); err != nil || len(a) != 1 || a[0].SecretAccessKey != "" {
		t.Errorf("a list of accounts must not carry secrets: %+v %v", a, err)
	}
	if a, err := c.Account(ctx, "default"); err != nil || a.SecretAccessKey != "secret" {
		t.Errorf("account: %+v %v", a, err)
	}
	if _, err := c.Account(ctx, "nobody"); err == nil || err.Error() != "no account is called nobody" {
		t.Errorf("unknown account: %v", err)
	}
	if v, err := c.BeginTrial(ctx); err != nil || v.ID != "t1" {
		t.Errorf("begin a trial: %+v %v", v, err)
	}
	if v, err := c.EndTrial(ctx, "t1"); err != nil || v.Compared != 3 {
		t.Errorf("end a trial: %+v %v", v, err)
	}
	if _, err := c.EndTrial(ctx, "t2"); err == nil || err.Error() != "trial t2" {
		t.Errorf("end an unknown trial: %v", err)
	}
	if e, err := c.Explain(ctx, Question{From: "a", To: "b"}); err != nil || e.Summary != "a reaches b" {
		t.Errorf("explain: %+v %v", e, err)
	}
	if _, err := c.Explain(ctx, Question{}); err == nil || err.Error() != "FROM is empty" {
		t.Errorf("explain nothing: %v", err)
	}
	var b strings.Builder
	if err := c.Debug(ctx, "world", &b); err != nil || b.String() != "world" {
		t.Errorf("debug: %q %v", b.String(), err)
	}
	for view, want := range map[string]string{"nft": "no table", "fabric": "EOF", "x": "no view is called x"} {
		if err := c.Debug(ctx, view, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("debug %s: %v, want %q", view, err, want)
		}
	}
	if err := c.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	<-f.down
	srv.Close()
	<-done
	if _, err := os.Stat(SocketPath(state)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}
