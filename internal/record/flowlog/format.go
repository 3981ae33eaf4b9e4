package flowlog

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// DefaultFormat is the format of records when none is asked for: version 2. (Amazon VPC User Guide, "Flow log records".)
const DefaultFormat = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} " +
	"${packets} ${bytes} ${start} ${end} ${action} ${log-status}"

// maxFormat is how long the text of a format may be. (It bounds what a request makes us keep; AWS names no limit.)
const maxFormat = 4096

// Format is the fields of a record in order.
type Format struct {
	fields  []field
	version int
}

// field is a column of a record.
type field struct {
	version int // of the format, from which the field exists
	text    func(r entry) string
	any     bool // it is told even when there was no traffic
}

// none stands for what does not apply or is not known.
const none = "-"

// ParseFormat reads a format: fields in braces after a dollar sign, separated by blanks. Empty text is the default
// format.
func ParseFormat(text string) (Format, error) {
	if text == "" {
		text = DefaultFormat
	}
	if len(text) > maxFormat {
		return Format{}, fmt.Errorf("a log format has at most %d characters", maxFormat)
	}
	f := Format{version: 2}
	all := fields()
	for word := range strings.FieldsSeq(text) {
		name, ok := strings.CutPrefix(word, "${")
		name, closed := strings.CutSuffix(name, "}")
		if !ok || !closed {
			return Format{}, fmt.Errorf("%q is no field: fields are written ${name} and separated by blanks", word)
		}
		c, known := all[name]
		if !known {
			return Format{}, fmt.Errorf("unknown field %q", name)
		}
		f.fields, f.version = append(f.fields, c), max(f.version, c.version)
	}
	if len(f.fields) == 0 {
		return Format{}, fmt.Errorf("a log format has at least one field")
	}
	return f, nil
}

// line prints a record.
func (f Format) line(r entry) string {
	r.version = f.version
	words := make([]string, len(f.fields))
	for i, c := range f.fields {
		words[i] = none
		if c.any || r.status == statusOK {
			if t := c.text(r); t != "" {
				words[i] = t
			}
		}
	}
	return strings.Join(words, " ")
}

// fields are all fields there are. (Amazon VPC User Guide, "Available fields"; those of transit gateways are not for
// interfaces of a VPC.)
func fields() map[string]field {
	always := func(version int, f func(r entry) string) field { return field{version, f, true} }
	traffic := func(version int, f func(r entry) string) field { return field{version, f, false} }
	absent := func(version int) field { return always(version, func(entry) string { return none }) }
	return map[string]field{
		"version":      always(2, func(r entry) string { return strconv.Itoa(r.version) }),
		"account-id":   always(2, func(r entry) string { return r.at.account }),
		"interface-id": always(2, func(r entry) string { return string(r.key.eni) }),
		"srcaddr":      traffic(2, func(r entry) string { return r.srcAddr().String() }),
		"dstaddr":      traffic(2, func(r entry) string { return r.dstAddr().String() }),
		"srcport":      traffic(2, func(r entry) string { return port(r.key.src) }),
		"dstport":      traffic(2, func(r entry) string { return port(r.key.dst) }),
		"protocol":     traffic(2, func(r entry) string { return strconv.Itoa(int(r.key.protocol)) }),
		"packets":      traffic(2, func(r entry) string { return strconv.FormatUint(r.sum.packets, 10) }),
		"bytes":        traffic(2, func(r entry) string { return strconv.FormatUint(r.sum.bytes, 10) }),
		"start":        always(2, func(r entry) string { return strconv.FormatInt(r.sum.start.Unix(), 10) }),
		"end":          always(2, func(r entry) string { return strconv.FormatInt(r.sum.end.Unix(), 10) }),
		"action":       traffic(2, func(r entry) string { return r.action() }),
		"log-status":   always(2, func(r entry) string { return string(r.status) }),

		"vpc-id":      always(3, func(r entry) string { return string(r.at.vpc) }),
		"subnet-id":   always(3, func(r entry) string { return string(r.at.subnet) }),
		"instance-id": always(3, func(r entry) string { return string(r.at.instance) }),
		"tcp-flags":   traffic(3, func(r entry) string { return strconv.Itoa(int(r.tcpFlags())) }),
		"type":        traffic(3, func(r entry) string { return family(r.key.src.Addr()) }),
		"pkt-srcaddr": traffic(3, func(r entry) string { return r.key.src.Addr().String() }),
		"pkt-dstaddr": traffic(3, func(r entry) string { return r.key.dst.Addr().String() }),

		"region":           always(4, func(r entry) string { return r.at.region }),
		"az-id":            always(4, func(r entry) string { return r.at.zoneID }),
		"sublocation-type": absent(4),
		"sublocation-id":   absent(4),

		"pkt-src-aws-service": absent(5),
		"pkt-dst-aws-service": absent(5),
		"flow-direction":      traffic(5, func(r entry) string { return r.direction() }),
		"traffic-path":        traffic(5, func(r entry) string { return r.path() }),

		"ecs-cluster-arn": absent(7), "ecs-cluster-name": absent(7), "ecs-container-instance-arn": absent(7),
		"ecs-container-instance-id": absent(7), "ecs-container-id": absent(7), "ecs-second-container-id": absent(7),
		"ecs-service-name": absent(7), "ecs-task-definition-arn": absent(7), "ecs-task-arn": absent(7), "ecs-task-id": absent(7),

		"reject-reason": absent(8),
	}
}

func port(a netip.AddrPort) string { return strconv.Itoa(int(a.Port())) }

func family(a netip.Addr) string {
	if a.Is4() {
		return "IPv4"
	}
	return "IPv6"
}
