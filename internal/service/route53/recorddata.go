package route53

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"kumiko/internal/world"
)

// maxString is how many bytes a string of a TXT record has at most. (RFC 1035 §3.3.)
const maxString = 255

// checkValue tells what is wrong with a value of a record of the type, in Route 53's words; empty if nothing is.
func checkValue(kind, text string) string {
	fatal := func(code, why string) string {
		return fmt.Sprintf("Invalid Resource Record: 'FATAL problem: %s (%s) encountered with '%s''", code, why, text)
	}
	switch kind {
	case "A":
		if a, err := netip.ParseAddr(text); err != nil || !a.Is4() {
			return fatal("ARRDATAIllegalIPv4Address", "Value is not a valid IPv4 address")
		}
		return ""
	case "AAAA":
		if a, err := netip.ParseAddr(text); err != nil || !a.Is6() || a.Zone() != "" {
			return fatal("AAAARRDATAIllegalIPv6Address", "Value is not a valid IPv6 address")
		}
		return ""
	case "CNAME", "NS", "PTR":
		if _, ok := world.ParseDNSName(text); !ok {
			return fatal("DomainNameInvalid", "Value is not a valid domain name")
		}
		return ""
	case "TXT", "SPF":
		if code, why := checkStrings(text); code != "" {
			return fatal(code, why)
		}
		return ""
	}
	if !plain(text) {
		return fatal("UnsupportedCharacter", "Value contains unsupported characters")
	}
	if rr, err := dns.NewRR(". 0 IN " + kind + " " + world.DecimalEscapes(text)); err != nil || rr == nil || !packs(rr) {
		return fatal(kind+"RRDATAInvalid", "Value is not valid data of the record type")
	}
	return ""
}

// packs tells whether a record can be sent.
func packs(rr dns.RR) bool {
	_, err := dns.PackRR(rr, make([]byte, dns.MaxMsgSize), 0, nil, false)
	return err == nil
}

// plain tells whether a text is one line of visible characters that a master file takes for data: outside of quotes no
// comments and no brackets.
func plain(text string) bool {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c < ' ' || c > '~':
			return false
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && strings.IndexByte(";()@$", c) >= 0:
			return false
		}
	}
	return !quoted && strings.TrimSpace(text) != ""
}

// checkStrings checks the value of a TXT record: strings in quotes, each of at most 255 characters.
func checkStrings(text string) (code, why string) {
	rest := strings.TrimSpace(text)
	if rest == "" {
		return "InvalidCharacterString", "Value should be enclosed in quotation marks"
	}
	for rest != "" {
		if rest[0] != '"' {
			return "InvalidCharacterString", "Value should be enclosed in quotation marks"
		}
		n, i := 0, 1
		for ; i < len(rest) && rest[i] != '"'; i++ {
			if rest[i] < ' ' || rest[i] > '~' {
				return "UnsupportedCharacter", "Value contains unsupported characters"
			}
			if rest[i] == '\\' {
				size := escape(rest[i+1:])
				if size == 0 {
					return "InvalidEscape", "Value contains an escape that is not three octal digits"
				}
				i += size
			}
			n++
		}
		switch {
		case i >= len(rest):
			return "InvalidCharacterString", "Value should be enclosed in quotation marks"
		case n > maxString:
			return "CharacterStringTooLong", "Value is too long"
		}
		next := strings.TrimLeft(rest[i+1:], " \t")
		if next != "" && len(next) == len(rest)-i-1 {
			return "InvalidCharacterString", "Value should be enclosed in quotation marks"
		}
		rest = next
	}
	return "", ""
}

// escape is how many characters after a backslash belong to it; 0: they are no escape.
func escape(text string) int {
	if text == "" {
		return 0
	}
	if text[0] < '0' || text[0] > '9' {
		return 1
	}
	if len(text) < 3 || text[0] > '3' || strings.Trim(text[:3], "01234567") != "" {
		return 0
	}
	return 3
}
