package record

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// format is the version of the segments' contents.
const format = 1

// frameHead is the length of a frame before its payload: length and checksum.
const frameHead = 8

// maxFrame bounds a frame's payload. A message of 1 MiB can become six times as long as JSON.
const maxFrame = 8 << 20

// segment is a file of frames.
type segment struct {
	path string
	size int64
	last int64 // time of the newest event
	seen int64 // when something was last written
}

// frame is what a frame's payload says: the header of a segment, an event, or the end of a stream.
type frame struct {
	Format  int    `json:"format,omitempty"`
	Group   string `json:"group,omitempty"`
	Stream  string `json:"s,omitempty"`
	Dropped bool   `json:"dropped,omitempty"` // what the stream had up to here is gone

	Seq      uint64 `json:"q,omitempty"`
	Time     int64  `json:"t,omitempty"`
	Ingested int64  `json:"i,omitempty"`
	Message  string `json:"m,omitempty"`
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// appendFrame adds f to buf.
func appendFrame(buf *bytes.Buffer, f frame) error {
	payload, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("record: encode event: %w", err)
	}
	if len(payload) > maxFrame {
		return fmt.Errorf("record: an event of %d bytes is too long", len(payload))
	}
	var head [frameHead]byte
	binary.BigEndian.PutUint32(head[:4], uint32(len(payload)))
	binary.BigEndian.PutUint32(head[4:], crc32.Checksum(payload, castagnoli()))
	buf.Write(head[:])
	buf.Write(payload)
	return nil
}

// scan reads frames until the end, or until something is no frame, and returns the length of what was good. Errors are
// those of yield alone.
func scan(r io.Reader, yield func(off int64, size int, f frame) error) (int64, error) {
	var off int64
	var head [frameHead]byte
	var payload []byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return off, nil
		}
		n := binary.BigEndian.Uint32(head[:4])
		if n > maxFrame {
			return off, nil
		}
		if cap(payload) < int(n) {
			payload = make([]byte, min(int(n), maxFrame))
		}
		payload = payload[:n]
		if _, err := io.ReadFull(r, payload); err != nil {
			return off, nil
		}
		f, ok := decode(head, payload)
		if !ok {
			return off, nil
		}
		if err := yield(off, frameHead+int(n), f); err != nil {
			return off, err
		}
		off += frameHead + int64(n)
	}
}

func decode(head [frameHead]byte, payload []byte) (frame, bool) {
	var f frame
	if crc32.Checksum(payload, castagnoli()) != binary.BigEndian.Uint32(head[4:]) {
		return f, false
	}
	return f, json.Unmarshal(payload, &f) == nil
}

// readFrame reads the frame at off.
func readFrame(f io.ReaderAt, off int64, size int) (frame, error) {
	buf := make([]byte, size)
	if _, err := f.ReadAt(buf, off); err != nil {
		return frame{}, err
	}
	fr, ok := decode([frameHead]byte(buf[:frameHead]), buf[frameHead:])
	if !ok {
		return frame{}, errors.New("record: the frame is damaged")
	}
	return fr, nil
}

// segmentName is the file name of a segment that begins with the nth event.
func segmentName(n uint64) string { return fmt.Sprintf("%020d.seg", n) }

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
