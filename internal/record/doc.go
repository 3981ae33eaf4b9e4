// Package record keeps events: an append-only store of log groups and their streams, on disk in segments.
//
// A group has a folder of its own with numbered segment files. A segment is a sequence of frames: length, checksum
// (CRC-32C) and a binary payload, the first of which names the format and the group. An event is one frame; the frames
// of one Append are written with one write. In memory there is an index of each stream, by time and order of arrival,
// made at Open from all segments; messages are read from disk when they are asked for.
//
// What survives: an event is in the file, and so survives the death of the process, when Append returns. It is synced
// to the disk within a second, when a segment is full, and at Close; a loss of power can cost the last second. Open
// cuts a torn end off and goes on; how much that was, Lost tells.
//
// What goes: events older than the retention of their group are no longer shown, and segments of nothing else are
// removed. When all segments together exceed the size limit, the oldest ones are removed.
//
// The package knows nothing of AWS but the unit of time: milliseconds since 1970, as CloudWatch Logs has it.
package record
