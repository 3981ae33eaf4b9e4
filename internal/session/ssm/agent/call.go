package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"kumiko/internal/api/sigv4"
	"kumiko/internal/session/ssm/frame"
	"kumiko/internal/session/ssm/identity"
)

// caller calls the AWS APIs as the instance.
type caller struct {
	*identity.Identity
	c    config
	http *http.Client
}

func newCaller(i *identity.Identity, c config) *caller {
	dialer := &net.Dialer{Timeout: c.dial()}
	return &caller{Identity: i, c: c, http: &http.Client{Transport: &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 15 * time.Second,
		DisableKeepAlives: true, // each call proves the way anew
	}}}
}

// host is the name of a service.
func (c *caller) host(service string) string {
	switch {
	case service == "ssm" && c.c.Ssm.Endpoint != "":
		return c.c.Ssm.Endpoint
	case service == "ssmmessages" && c.c.Mgs.Endpoint != "":
		return c.c.Mgs.Endpoint
	}
	return service + "." + c.Region + ".amazonaws.com"
}

// refused is an answer that is an error.
type refused struct {
	Status     int
	Code, Text string
}

func (e *refused) Error() string { return e.Code + ": " + e.Text }

// sendError is a request that could not be sent, in the words of the agent.
type sendError struct{ err error }

func (e *sendError) Error() string {
	text := e.err.Error()
	var u *url.Error
	if errors.As(e.err, &u) {
		text = u.Op + " " + u.URL + ": " + u.Err.Error()
	}
	return "RequestError: send request failed\ncaused by: " + text
}

func (e *sendError) Unwrap() error { return e.err }

// do sends a request, signed; it is tried again when it could not be sent.
func (c *caller) do(ctx context.Context, service string, make func() (*http.Request, []byte, error)) (*http.Response, []byte, error) {
	by, err := c.Credential(ctx)
	if err != nil {
		return nil, nil, err
	}
	for attempt := 1; ; attempt++ {
		r, body, err := make()
		if err != nil {
			return nil, nil, err
		}
		by.Sign(r, body, sigv4.Scope{Region: c.Region, Service: service}, time.Now())
		resp, err := c.http.Do(r.WithContext(ctx))
		if err != nil {
			if attempt < c.c.Kumiko.Attempts && ctx.Err() == nil {
				continue
			}
			return nil, nil, &sendError{err}
		}
		b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		resp.Body.Close()
		if err != nil {
			return nil, nil, &sendError{err}
		}
		return resp, b, nil
	}
}

// ssm calls an operation of Systems Manager.
func (c *caller) ssm(ctx context.Context, operation string, in any) error {
	return c.json(ctx, "ssm", "AmazonSSM."+operation, in)
}

// json calls an operation of a service that speaks JSON. What it answers is of no interest.
func (c *caller) json(ctx context.Context, service, target string, in any) error {
	body := frame.Encode(in)
	resp, answer, err := c.do(ctx, service, func() (*http.Request, []byte, error) {
		r, err := http.NewRequest(http.MethodPost, "https://"+c.host(service)+"/", bytes.NewReader(body))
		if err != nil {
			return nil, nil, err
		}
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", target)
		return r, body, nil
	})
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		var e struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		_ = json.Unmarshal(answer, &e) // what cannot be read is shown by its status
		return &refused{resp.StatusCode, e.Type, e.Message}
	}
	return nil
}

// token asks ssmmessages for what opens a channel.
func (c *caller) token(ctx context.Context, path string, in any) (string, error) {
	body := frame.Encode(in)
	resp, answer, err := c.do(ctx, "ssmmessages", func() (*http.Request, []byte, error) {
		r, err := http.NewRequest(http.MethodPost, "https://"+c.host("ssmmessages")+path, bytes.NewReader(body))
		if err != nil {
			return nil, nil, err
		}
		r.Header.Set("Content-Type", "application/json")
		return r, body, nil
	})
	if err != nil {
		return "", err
	}
	var out struct{ TokenValue string }
	if resp.StatusCode != http.StatusCreated {
		return "", &refused{resp.StatusCode, "unexpected response from the service", string(answer)}
	}
	if err := xml.Unmarshal(answer, &out); err != nil {
		return "", fmt.Errorf("agent: token: %w", err)
	}
	return out.TokenValue, nil
}

// signed is the header that opens a channel at the URL.
func (c *caller) signed(ctx context.Context, address string) (http.Header, error) {
	by, err := c.Credential(ctx)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	by.Sign(r, nil, sigv4.Scope{Region: c.Region, Service: "ssmmessages"}, time.Now())
	return r.Header, nil
}
