package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
)

// format is the version of the segments' contents.
const format = 1

// frameHead is the length of a frame before its payload: length and checksum.
const frameHead = 8

// maxFrame bounds a frame's payload. Messages have 1 MiB at most.
const maxFrame = 4 << 20

// segment is a file of frames.
type segment struct {
	path string
	size int64
	last int64 // time of the newest event
	seen int64 // when something was last written
}

// The kinds of frames: the header of a segment, an event, and the end of a stream, after which what the stream had up to
// there is gone.
const (
	headFrame  = 'H' // the text is the group
	eventFrame = 'E'
	dropFrame  = 'D'
)

// frame is what a frame's payload says. On disk it is the kind, three numbers of eight bytes, the length of the
// stream's name in two bytes, the name and the text; numbers are big-endian.
type frame struct {
	kind     byte
	seq      uint64 // of a header: the format
	time     int64
	ingested int64
	stream   []byte
	text     []byte
}

// frameFixed is the length of a payload without name and text.
const frameFixed = 1 + 3*8 + 2

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// appendFrame adds f to buf.
func appendFrame(buf *bytes.Buffer, f frame) error {
	size := frameFixed + len(f.stream) + len(f.text)
	if size > maxFrame || len(f.stream) > math.MaxUint16 {
		return fmt.Errorf("record: an event of %d bytes is too long", size)
	}
	b := make([]byte, frameHead, frameHead+size)
	b = append(b, f.kind)
	b = binary.BigEndian.AppendUint64(b, f.seq)
	b = binary.BigEndian.AppendUint64(b, uint64(f.time))
	b = binary.BigEndian.AppendUint64(b, uint64(f.ingested))
	b = binary.BigEndian.AppendUint16(b, uint16(len(f.stream)))
	b = append(append(b, f.stream...), f.text...)
	binary.BigEndian.PutUint32(b[:4], uint32(size))
	binary.BigEndian.PutUint32(b[4:], crc32.Checksum(b[frameHead:], castagnoli()))
	buf.Write(b)
	return nil
}

// scan reads frames until the end, or until something is no frame, and returns the length of what was good. A frame's
// texts are good until yield returns. Errors are those of yield alone.
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
	if len(payload) < frameFixed || crc32.Checksum(payload, castagnoli()) != binary.BigEndian.Uint32(head[4:]) {
		return frame{}, false
	}
	f := frame{
		kind: payload[0], seq: binary.BigEndian.Uint64(payload[1:]),
		time: int64(binary.BigEndian.Uint64(payload[9:])), ingested: int64(binary.BigEndian.Uint64(payload[17:])),
	}
	name, rest := int(binary.BigEndian.Uint16(payload[25:])), payload[frameFixed:]
	if name > len(rest) {
		return frame{}, false
	}
	f.stream, f.text = rest[:name], rest[name:]
	return f, true
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
