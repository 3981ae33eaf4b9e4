package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
)

// Backend is what the daemon offers. Errors are shown to people as they are; ErrNotFound and ErrUnusable choose the status.
type Backend interface {
	// Status says how the daemon is.
	Status(ctx context.Context) (Status, error)
	// Explain answers a question about the network.
	Explain(ctx context.Context, q Question) (Explanation, error)
	// Debug writes the view: world, fabric, nft or flows. Flows goes on until ctx ends.
	Debug(ctx context.Context, view string, w io.Writer) error
	// Shutdown ends everything of the state folder: instances, namespaces, mounts. The daemon exits once the
	// answer was sent.
	Shutdown(ctx context.Context) error
}

// Ledger keeps the accounts.
type Ledger interface {
	// CreateAccount makes an account with an access key.
	CreateAccount(ctx context.Context, name string) (Account, error)
	// Accounts are all accounts, with their keys, by id.
	Accounts(ctx context.Context) ([]Account, error)
}

// Lab tries changes out on copies of what was asked for, which touch nothing that is real.
type Lab interface {
	// BeginTrial makes a copy with AWS APIs of its own. It goes with EndTrial, or with the daemon.
	BeginTrial(ctx context.Context) (Trial, error)
	// EndTrial says what would come of the changes made to a copy, and forgets it.
	EndTrial(ctx context.Context, id string) (Impact, error)
}

// Parts is what a daemon offers over its socket.
type Parts struct {
	Backend
	Ledger
	Lab
}

// Errors that choose the HTTP status of an answer; wrap them.
var (
	ErrNotFound = errors.New("not found")
	ErrUnusable = errors.New("unusable")
)

// Views are the names that /debug/ takes.
var Views = [...]string{"world", "fabric", "nft", "flows"}

// maxBody bounds a request's body, in bytes.
const maxBody = 64 << 10

// Handler serves the admin requests.
func Handler(p Parts) http.Handler {
	b := p.Backend
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		v, err := b.Status(r.Context())
		answer(w, v, err)
	})
	mux.HandleFunc("POST /explain", func(w http.ResponseWriter, r *http.Request) {
		var q Question
		if !read(w, r, &q) {
			return
		}
		v, err := b.Explain(r.Context(), q)
		answer(w, v, err)
	})
	mux.HandleFunc("POST /shutdown", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, b.Shutdown(context.WithoutCancel(r.Context())))
	})
	mux.HandleFunc("GET /debug/{view}", func(w http.ResponseWriter, r *http.Request) { debug(w, r, b) })
	ledger(mux, p.Ledger)
	lab(mux, p.Lab)
	return mux
}

func lab(mux *http.ServeMux, l Lab) {
	mux.HandleFunc("POST /diff/begin", func(w http.ResponseWriter, r *http.Request) {
		v, err := l.BeginTrial(r.Context())
		answer(w, v, err)
	})
	mux.HandleFunc("POST /diff/end", func(w http.ResponseWriter, r *http.Request) {
		var in Trial
		if !read(w, r, &in) {
			return
		}
		v, err := l.EndTrial(r.Context(), in.ID)
		answer(w, v, err)
	})
}

func ledger(mux *http.ServeMux, l Ledger) {
	mux.HandleFunc("POST /accounts", func(w http.ResponseWriter, r *http.Request) {
		var in NewAccount
		if !read(w, r, &in) {
			return
		}
		v, err := l.CreateAccount(r.Context(), in.Name)
		answer(w, v, err)
	})
	mux.HandleFunc("GET /accounts", func(w http.ResponseWriter, r *http.Request) {
		all, err := l.Accounts(r.Context())
		out := make([]Account, len(all))
		for i, a := range all {
			a.AccessKeyID, a.SecretAccessKey = "", ""
			out[i] = a
		}
		answer(w, out, err)
	})
	mux.HandleFunc("GET /accounts/{name}", func(w http.ResponseWriter, r *http.Request) {
		all, err := l.Accounts(r.Context())
		if err != nil {
			answer(w, nil, err)
			return
		}
		name := r.PathValue("name")
		i := slices.IndexFunc(all, func(a Account) bool { return a.Name == name || a.ID == name })
		if i < 0 {
			fail(w, http.StatusNotFound, "no account is called "+name)
			return
		}
		answer(w, all[i], nil)
	})
}

// debug streams a view. An error before the first byte is a proper answer; a later one cuts the connection, so that
// a part is never taken for the whole.
func debug(w http.ResponseWriter, r *http.Request, b Backend) {
	view := r.PathValue("view")
	if !slices.Contains(Views[:], view) {
		fail(w, http.StatusNotFound, "no view is called "+view)
		return
	}
	out := &stream{w: w}
	err := b.Debug(r.Context(), view, out)
	switch {
	case err == nil || r.Context().Err() != nil:
	case out.begun:
		panic(http.ErrAbortHandler)
	default:
		answer(w, nil, err)
	}
}

// stream sends each write at once, so that a view that goes on is seen as it grows.
type stream struct {
	w     http.ResponseWriter
	begun bool
}

func (s *stream) Write(p []byte) (int, error) {
	s.begun = true
	n, err := s.w.Write(p)
	if err != nil {
		return n, err
	}
	return n, http.NewResponseController(s.w).Flush()
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		fail(w, http.StatusBadRequest, "bad request: "+err.Error())
		return false
	}
	return true
}

func answer(w http.ResponseWriter, v any, err error) {
	switch {
	case errors.Is(err, ErrNotFound):
		fail(w, http.StatusNotFound, strings.TrimPrefix(err.Error(), ErrNotFound.Error()+": "))
	case errors.Is(err, ErrUnusable):
		fail(w, http.StatusBadRequest, strings.TrimPrefix(err.Error(), ErrUnusable.Error()+": "))
	case err != nil:
		fail(w, http.StatusInternalServerError, err.Error())
	default:
		send(w, http.StatusOK, v)
	}
}

func fail(w http.ResponseWriter, status int, text string) { send(w, status, Fault{Error: text}) }

// send writes v; an error means that the asker has gone, and nobody is left to tell.
func send(w http.ResponseWriter, status int, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		status, raw = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(raw, '\n'))
}
