package terminal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// lastlogFile holds a record for each user id. (lastlog(8))
const lastlogFile = "/var/log/lastlog"

// Sizes of struct lastlog in bytes: time, line, host. (bits/utmp.h of glibc.)
const (
	lastlogTime = 4
	lastlogLine = 32
	lastlogHost = 256
	lastlogSize = lastlogTime + lastlogLine + lastlogHost
)

// Login is a login of a user.
type Login struct {
	Time time.Time
	Line string // terminal, e.g. pts/0
	Host string // where from
}

// RecordLogin stores a login and returns the one before, whose time is zero if there was none.
func RecordLogin(uid int, now Login) (Login, error) {
	f, err := os.OpenFile(lastlogFile, os.O_RDWR|os.O_CREATE, 0o664)
	if err != nil {
		return Login{}, fmt.Errorf("terminal: record login: %w", err)
	}
	defer f.Close()
	at := int64(uid) * lastlogSize
	b := make([]byte, lastlogSize)
	var last Login
	switch _, err := f.ReadAt(b, at); {
	case err == nil:
		if t := binary.NativeEndian.Uint32(b); t != 0 {
			last = Login{time.Unix(int64(t), 0), text(b[lastlogTime:][:lastlogLine]), text(b[lastlogTime+lastlogLine:])}
		}
	case !errors.Is(err, io.EOF):
		return Login{}, fmt.Errorf("terminal: read login: %w", err)
	}
	clear(b)
	binary.NativeEndian.PutUint32(b, uint32(now.Time.Unix()))
	copy(b[lastlogTime:][:lastlogLine-1], now.Line)
	copy(b[lastlogTime+lastlogLine:][:lastlogHost-1], now.Host)
	if _, err := f.WriteAt(b, at); err != nil {
		return last, fmt.Errorf("terminal: record login: %w", err)
	}
	return last, nil
}

// text is a string that ends with a zero byte or fills its field.
func text(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
