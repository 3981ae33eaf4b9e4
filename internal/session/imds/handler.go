package imds

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kumiko/internal/world"
)

// Headers of IMDSv2. (Amazon EC2 User Guide, "Use IMDSv2".)
const (
	ttlHeader       = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"
	tokenHeader     = "X-Aws-Ec2-Metadata-Token"
	forwardedHeader = "X-Forwarded-For"
)

// handle answers one request of the instance behind the connection.
func (s *server) handle(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*conn)
	v := s.view.Load()
	i, ok := v.caller(c.port)
	if !ok { // the instance has gone, or the ENI was detached
		panic(http.ErrAbortHandler)
	}
	hops := 0
	if r.Method == http.MethodPut {
		hops = max(i.Metadata.HopLimit, 1)
	}
	if err := c.limitHops(hops); err != nil {
		panic(http.ErrAbortHandler) // a token must not travel farther than allowed
	}
	w.Header().Set("Server", "EC2ws")
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close") // no body is ever read
	}
	path := split(r.URL.Path)
	switch {
	case !i.Metadata.Endpoint:
		fail(w, http.StatusForbidden)
	case isToken(path) && r.Method == http.MethodPut:
		s.giveToken(w, r, i, path[0])
	case isToken(path):
		w.Header().Set("Allow", "OPTIONS, PUT")
		fail(w, http.StatusMethodNotAllowed)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		fail(w, http.StatusMethodNotAllowed)
	case s.admit(w, r, i):
		s.give(w, r, v, i)
	default:
		fail(w, http.StatusUnauthorized)
	}
}

// isToken tells whether path is the token's, in some version.
func isToken(path []string) bool {
	return len(path) == 3 && isVersion(path[0]) && path[1] == "api" && path[2] == "token"
}

// giveToken answers a request for a token. Tokens are given at the latest version only, and not through proxies.
func (s *server) giveToken(w http.ResponseWriter, r *http.Request, i world.Instance, version string) {
	if version != latest || r.Header[forwardedHeader] != nil {
		fail(w, http.StatusForbidden)
		return
	}
	given := r.Header[ttlHeader]
	if len(given) != 1 {
		fail(w, http.StatusBadRequest)
		return
	}
	ttl, err := strconv.ParseUint(given[0], 10, 16)
	if err != nil || ttl < minTTL || ttl > maxTTL {
		fail(w, http.StatusBadRequest)
		return
	}
	token := newToken(s.cfg.Key, i.ID, s.cfg.Now().Add(time.Duration(ttl)*time.Second))
	w.Header().Set(ttlHeader, given[0])
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Content-Length", strconv.Itoa(len(token)))
	fmt.Fprint(w, token) // a client that has gone misses nothing
}

// admit decides whether the instance may read: with a good token, or without any where that is allowed.
func (s *server) admit(w http.ResponseWriter, r *http.Request, i world.Instance) bool {
	given, ok := r.Header[tokenHeader]
	if !ok {
		return !i.Metadata.Tokens
	}
	expiry, ok := tokenExpiry(s.cfg.Key, i.ID, given[0])
	left := int(expiry.Sub(s.cfg.Now().Truncate(time.Second)).Seconds())
	if !ok || left <= 0 || len(given) != 1 {
		return false
	}
	w.Header().Set(ttlHeader, strconv.Itoa(left))
	return true
}

// give answers with the leaf or the listing at the request's path.
func (s *server) give(w http.ResponseWriter, r *http.Request, v *view, i world.Instance) {
	node := s.tree(v, i, r.Header).find(split(r.URL.Path))
	if node == nil {
		fail(w, http.StatusNotFound)
		return
	}
	body, ok := node.content()
	if !ok {
		fail(w, http.StatusNotFound)
		return
	}
	kind := node.kind
	if kind == "" {
		kind = "text/plain"
	}
	sum := fnv.New32a()
	sum.Write(body)
	w.Header().Set("Content-Type", kind)
	w.Header().Set("ETag", fmt.Sprintf(`"%d"`, sum.Sum32()))
	// What changed is told by the ETag alone: the time is that of the launch.
	r.Header.Del("If-Modified-Since")
	r.Header.Del("If-Unmodified-Since")
	http.ServeContent(w, r, "", i.Launched, bytes.NewReader(body))
}

// fail answers with a status and the page that says it.
func fail(w http.ResponseWriter, status int) {
	title := fmt.Sprintf("%d - %s", status, http.StatusText(status))
	page := `<?xml version="1.0" encoding="iso-8859-1"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"
	"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
 <head>
  <title>` + title + `</title>
 </head>
 <body>
  <h1>` + title + `</h1>
 </body>
</html>
`
	w.Header().Set("Content-Type", "text/html")
	w.Header().Set("Content-Length", strconv.Itoa(len(page)))
	w.WriteHeader(status)
	fmt.Fprint(w, page)
}

// split cuts a path into its names. Clients double slashes where a listing's line ends in one.
func split(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}
