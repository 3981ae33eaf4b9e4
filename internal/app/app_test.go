package app

import (
	"log/slog"
	"strings"
	"testing"
)

func TestOpenStaysOnLoopback(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:0", "[::]:0", ":0", "192.0.2.1:0", "example.org:0", "nonsense"} {
		err := Run(t.Context(), Config{State: t.TempDir(), Listen: listen, Open: true, Log: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), "loopback only") {
			t.Errorf("%s: %v", listen, err)
		}
	}
	for _, listen := range []string{"127.0.0.1:4566", "[::1]:0", "localhost:1", "127.9.9.9:1"} {
		if !loopback(listen) {
			t.Errorf("%s is taken for reachable", listen)
		}
	}
}
