package gateway

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"kumiko/internal/session/ssm/frame"
	"kumiko/internal/world"
)

// The paths of the two kinds of channels.
const (
	controlPath = "/v1/control-channel/"
	dataPath    = "/v1/data-channel/"
)

// maxBody is the most bytes of a request that asks for a token.
const maxBody = 64 << 10

// introduction is how long whoever opens a channel may take to say who they are.
const introduction = 15 * time.Second

// Serves tells whether a request is for the gateway.
func Serves(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, controlPath) || strings.HasPrefix(r.URL.Path, dataPath)
}

// ServeHTTP answers requests for tokens, and those that open channels.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	instance, control := strings.CutPrefix(r.URL.Path, controlPath)
	session, _ := strings.CutPrefix(r.URL.Path, dataPath)
	switch {
	case r.Method == http.MethodPost && control:
		g.createControl(w, r, world.InstanceID(instance))
	case r.Method == http.MethodPost:
		g.createData(w, r, session)
	case r.Method == http.MethodGet && control:
		g.openControl(w, r, world.InstanceID(instance))
	case r.Method == http.MethodGet:
		g.openData(w, r, session)
	default:
		refuse(w, http.StatusMethodNotAllowed, "ValidationException", "The method is not one of this path.")
	}
}

// created is the answer to a request for a token. Agents want XML, and the status 201.
type created struct {
	XMLName              xml.Name
	MessageSchemaVersion string
	TokenValue           string
}

func give(w http.ResponseWriter, action, token string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusCreated)
	_ = xml.NewEncoder(w).Encode(created{XMLName: xml.Name{Local: action + "Response"}, MessageSchemaVersion: "1.0", TokenValue: token})
}

// refuse answers an error. An agent looks for <AccessDeniedException> in the text.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	var text strings.Builder
	_ = xml.EscapeText(&text, []byte(message))
	fmt.Fprintf(w, "<%s><Message>%s</Message></%s>", code, text.String(), code)
}

// identify says which instance makes a request, or answers that it may not.
func (g *Gateway) identify(w http.ResponseWriter, r *http.Request, action string) (world.InstanceID, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refuse(w, http.StatusBadRequest, "ValidationException", "The body cannot be read.")
		return "", false
	}
	i, err := g.c.Identify(r, body, action)
	if err != nil {
		refuse(w, http.StatusForbidden, "AccessDeniedException", err.Error())
		return "", false
	}
	return i, true
}

func (g *Gateway) createControl(w http.ResponseWriter, r *http.Request, of world.InstanceID) {
	const action = "CreateControlChannel"
	i, ok := g.identify(w, r, action)
	switch {
	case !ok:
	case i != of:
		refuse(w, http.StatusForbidden, "AccessDeniedException", "The credentials are those of another instance than "+string(of)+".")
	default:
		give(w, action, g.seal(forControl, string(of), g.c.Now()))
	}
}

func (g *Gateway) createData(w http.ResponseWriter, r *http.Request, id string) {
	const action = "CreateDataChannel"
	i, ok := g.identify(w, r, action)
	if !ok {
		return
	}
	row, ok := g.c.Book.Open(id)
	switch {
	case !ok: // the agent stops trying when it reads this
		refuse(w, http.StatusBadRequest, "ValidationException", "Session is already terminated")
	case row.Instance != i:
		refuse(w, http.StatusForbidden, "AccessDeniedException", "The session is not one of "+string(i)+".")
	default:
		give(w, action, g.seal(forAgent, id, g.c.Now()))
	}
}

func (g *Gateway) openControl(w http.ResponseWriter, r *http.Request, of world.InstanceID) {
	i, ok := g.identify(w, r, "OpenControlChannel")
	if !ok {
		return
	}
	if i != of {
		refuse(w, http.StatusForbidden, "AccessDeniedException", "The credentials are those of another instance than "+string(of)+".")
		return
	}
	conn, open, ok := g.accept(w, r)
	if !ok {
		return
	}
	defer g.running.Done()
	c := newChannel(conn)
	if !g.opens(open.TokenValue, forControl, string(of), g.c.Now()) || !g.adopt(of, c) {
		_ = conn.Close(websocket.StatusPolicyViolation, "the token does not open this channel")
		return
	}
	defer g.release(of, c)
	err := c.serve(r.Context(), func(b []byte) error { return g.fromControl(of, c, b) })
	g.c.Log.Debug("control channel ends", "id", of, "err", err)
}

func (g *Gateway) openData(w http.ResponseWriter, r *http.Request, id string) {
	agent := r.Header.Get("Authorization") != "" // a client has nothing but its token
	if agent {
		if _, ok := g.identify(w, r, "OpenDataChannel"); !ok {
			return
		}
	}
	conn, open, ok := g.accept(w, r)
	if !ok {
		return
	}
	defer g.running.Done()
	c := newChannel(conn)
	if last := g.parting(id, open.TokenValue); last != nil {
		_ = conn.Write(r.Context(), websocket.MessageBinary, last) // who came too late may have gone again
		_ = conn.Close(websocket.StatusNormalClosure, "")
		return
	}
	s, who := g.enter(id, open.TokenValue)
	if s == nil || !s.attach(s.place(who), c) {
		_ = conn.Close(websocket.StatusPolicyViolation, "the token does not open this channel")
		return
	}
	defer s.detach(s.place(who), c)
	take := s.fromClient
	if who == forAgent {
		take = s.fromAgent
	}
	err := c.serve(r.Context(), take)
	g.c.Log.Debug("data channel ends", "id", id, "end", who, "err", err)
	if errors.Is(err, frame.ErrHeader) || errors.Is(err, frame.ErrShort) || errors.Is(err, frame.ErrDigest) || errors.Is(err, errNotBinary) {
		s.end("A message was malformed.")
	}
}

// parting is the last message of a session that has ended, for a client who comes too late.
func (g *Gateway) parting(id, token string) []byte {
	g.mu.Lock()
	last := g.partings[id]
	g.mu.Unlock()
	if last == nil || !g.opens(token, forClient, id, g.c.Now()) {
		return nil
	}
	return last
}

// enter is the session that the token opens, and as which end.
func (g *Gateway) enter(id, token string) (*session, string) {
	row, ok := g.c.Book.Open(id)
	if !ok {
		return nil, ""
	}
	for _, who := range []string{forAgent, forClient} {
		if g.opens(token, who, id, g.c.Now()) {
			s, err := g.session(row)
			if err != nil {
				return nil, ""
			}
			return s, who
		}
	}
	return nil, ""
}

// place is where the session keeps one of its ends.
func (s *session) place(who string) *end {
	if who == forAgent {
		return &s.agent
	}
	return &s.client
}

// accept makes the websocket connection and reads who opens it. If ok, g.running counts it.
func (g *Gateway) accept(w http.ResponseWriter, r *http.Request) (*websocket.Conn, frame.OpenChannel, bool) {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		refuse(w, http.StatusServiceUnavailable, "ServiceUnavailable", "The gateway is going down.")
		return nil, frame.OpenChannel{}, false
	}
	g.running.Add(1)
	g.mu.Unlock()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled}) // no browser: there is no origin to check
	if err != nil {
		g.running.Done()
		return nil, frame.OpenChannel{}, false
	}
	ctx, cancel := context.WithTimeout(r.Context(), introduction)
	defer cancel()
	var open frame.OpenChannel
	kind, b, err := conn.Read(ctx)
	if err != nil || kind != websocket.MessageText || json.Unmarshal(b, &open) != nil {
		_ = conn.Close(websocket.StatusPolicyViolation, "the first message must say who opens the channel")
		g.running.Done()
		return nil, frame.OpenChannel{}, false
	}
	return conn, open, true
}
