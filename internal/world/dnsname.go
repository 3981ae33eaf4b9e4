package world

import (
	"fmt"
	"slices"
	"strings"
)

// Limits of domain names, in bytes. (RFC 1035 §2.3.4.)
const (
	maxLabel  = 63
	maxDomain = 255
)

// ParseDNSName reads a domain name as Route 53 takes it and writes it as Route 53 does: in lower case, characters other
// than a to z, 0 to 9, - and _ as \ooo with three octal digits, without a dot at the end. ok is false for what is no
// name. (Amazon Route 53 Developer Guide, "DNS domain name format".)
func ParseDNSName(text string) (name string, ok bool) {
	text = strings.TrimSuffix(text, ".")
	var out strings.Builder
	label, total := 0, 1
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '.':
			if label == 0 {
				return "", false
			}
			out.WriteByte('.')
			total += label + 1
			label = 0
			continue
		case c == '\\':
			code, size := octal(text[i+1:])
			if size == 0 {
				return "", false
			}
			c = code
			i += size
		case c <= ' ' || c >= 0x7f:
			return "", false
		}
		writeNameByte(&out, c)
		label++
		if label > maxLabel {
			return "", false
		}
	}
	total += label + 1
	return out.String(), label > 0 && total <= maxDomain
}

// octal reads the three octal digits after a backslash, or the character itself that was escaped.
func octal(text string) (code byte, size int) {
	if len(text) == 0 {
		return 0, 0
	}
	if c := text[0]; c < '0' || c > '9' {
		return c, 1
	}
	if len(text) < 3 {
		return 0, 0
	}
	n := 0
	for _, c := range []byte(text[:3]) {
		if c < '0' || c > '7' {
			return 0, 0
		}
		n = n<<3 | int(c-'0')
	}
	if n > 255 {
		return 0, 0
	}
	return byte(n), 3
}

// writeNameByte writes one character of a name.
func writeNameByte(out *strings.Builder, c byte) {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' {
		out.WriteByte(c)
		return
	}
	fmt.Fprintf(out, `\%03o`, c)
}

// ReversedName turns the labels of a name round and ends each with a dot: www.example.com is com.example.www. – which
// is what Route 53 sorts names by. Escaped characters count as what they are, but for those that would be mistaken.
func ReversedName(name string) string {
	if name == "" {
		return ""
	}
	labels := strings.Split(name, ".")
	slices.Reverse(labels)
	var out strings.Builder
	for _, l := range labels {
		for i := 0; i < len(l); i++ {
			if l[i] != '\\' {
				out.WriteByte(l[i])
				continue
			}
			c, size := octal(l[i+1:])
			if c <= ' ' || c >= 0x7f || c == '.' || c == '\\' {
				out.WriteString(l[i : i+1+size])
			} else {
				out.WriteByte(c)
			}
			i += size
		}
		out.WriteByte('.')
	}
	return out.String()
}

// InDomain tells whether a name is the domain's or below it.
func InDomain(name, domain string) bool {
	return name == domain || strings.HasSuffix(name, "."+domain)
}

// DecimalEscapes writes the \ooo escapes of a text with decimal digits, as master files have them. (RFC 1035 §5.1;
// Route 53 takes octal ones.)
func DecimalEscapes(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out.WriteByte(text[i])
			continue
		}
		c, size := octal(text[i+1:])
		switch size {
		case 3:
			fmt.Fprintf(&out, `\%03d`, c)
		case 1:
			out.WriteString(text[i : i+2])
		default:
			out.WriteByte('\\')
		}
		i += size
	}
	return out.String()
}
