package tunnel

import (
	"bytes"
	"io"
	"sync"
	"testing"
)

// Bytes pass in both directions, and an end is noticed at the other side.
func TestConnectionsPass(t *testing.T) {
	client, err := Client()
	if err != nil {
		t.Fatal(err)
	}
	server, err := Server()
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { _ = client.Send(func(b []byte) error { server.Take(b); return nil }) })
	running.Go(func() { _ = server.Send(func(b []byte) error { client.Take(b); return nil }) })
	running.Go(func() {
		for {
			c, err := server.Accept()
			if err != nil {
				return
			}
			running.Go(func() { b := make([]byte, 100_000); _, _ = io.ReadFull(c, b); _, _ = c.Write(b); c.Close() })
		}
	})
	for n := range 3 {
		c, err := client.Open()
		if err != nil {
			t.Fatal(err)
		}
		want := bytes.Repeat([]byte{byte(n), 1, 2, 3}, 25_000)
		running.Go(func() { _, _ = c.Write(want) })
		got, err := io.ReadAll(c)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("connection %d: %d bytes, %v", n, len(got), err)
		}
		c.Close()
	}
	client.Close()
	server.Close()
	running.Wait()
}
