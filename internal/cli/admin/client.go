package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
)

// ErrNoDaemon is returned when no daemon listens for the state folder.
var ErrNoDaemon = errors.New("no daemon is running")

// Client asks the daemon of one state folder. Its methods return ErrNoDaemon when there is none, and otherwise the
// daemon's own words as the error.
type Client struct {
	state string
	http  http.Client
}

// NewClient makes a client for the daemon of the state folder; nothing is opened before the first request.
func NewClient(state string) *Client {
	t := &http.Transport{DisableKeepAlives: true}
	t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, state) }
	return &Client{state: state, http: http.Client{Transport: t}}
}

// Status asks how the daemon is.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var v Status
	return v, c.ask(ctx, http.MethodGet, "/status", nil, &v)
}

// CreateAccount makes an account; its name must be new.
func (c *Client) CreateAccount(ctx context.Context, name string) (Account, error) {
	var v Account
	return v, c.ask(ctx, http.MethodPost, "/accounts", NewAccount{Name: name}, &v)
}

// Accounts lists the accounts, without their keys.
func (c *Client) Accounts(ctx context.Context) ([]Account, error) {
	var v []Account
	return v, c.ask(ctx, http.MethodGet, "/accounts", nil, &v)
}

// Account is the account with that name or id, with its key.
func (c *Client) Account(ctx context.Context, name string) (Account, error) {
	var v Account
	return v, c.ask(ctx, http.MethodGet, "/accounts/"+url.PathEscape(name), nil, &v)
}

// Explain asks whether a conversation could be had, and why not.
func (c *Client) Explain(ctx context.Context, q Question) (Explanation, error) {
	var v Explanation
	return v, c.ask(ctx, http.MethodPost, "/explain", q, &v)
}

// BeginTrial makes a copy of what was asked for, with AWS APIs of its own.
func (c *Client) BeginTrial(ctx context.Context) (Trial, error) {
	var v Trial
	return v, c.ask(ctx, http.MethodPost, "/diff/begin", struct{}{}, &v)
}

// EndTrial says what would come of the changes made to a copy, and forgets it.
func (c *Client) EndTrial(ctx context.Context, id string) (Impact, error) {
	var v Impact
	return v, c.ask(ctx, http.MethodPost, "/diff/end", Trial{ID: id}, &v)
}

// Shutdown ends everything of the state folder and returns when it is gone; the daemon exits right after.
func (c *Client) Shutdown(ctx context.Context) error {
	return c.ask(ctx, http.MethodPost, "/shutdown", struct{}{}, nil)
}

// Debug copies a view to w until the view or ctx ends.
func (c *Client) Debug(ctx context.Context, view string, w io.Writer) error {
	res, err := c.do(ctx, http.MethodGet, "/debug/"+url.PathEscape(view), nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(w, res.Body); err != nil {
		return fmt.Errorf("view %s: %w", view, err)
	}
	return nil
}

func (c *Client) ask(ctx context.Context, method, path string, in, out any) error {
	res, err := c.do(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("the daemon's answer to %s: %w", path, err)
	}
	return nil
}

// do sends a request and turns an answer other than 200 into an error.
func (c *Client) do(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader = http.NoBody
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("write the request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://kumiko"+path, body)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	res, err := c.http.Do(req)
	switch {
	case errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%w for %s", ErrNoDaemon, c.state)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("%s: only root may talk to the daemon", SocketPath(c.state))
	case err != nil:
		return nil, fmt.Errorf("ask the daemon of %s: %w", c.state, err)
	case res.StatusCode != http.StatusOK:
		defer res.Body.Close()
		var f Fault
		if err := json.NewDecoder(io.LimitReader(res.Body, maxBody)).Decode(&f); err != nil || f.Error == "" {
			return nil, fmt.Errorf("the daemon answered %s to %s", res.Status, path)
		}
		return nil, errors.New(f.Error)
	}
	return res, nil
}
