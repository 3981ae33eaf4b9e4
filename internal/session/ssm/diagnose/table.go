package diagnose

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// wide is how wide a table may be, unless a word is longer than what that leaves to it. (amazon-ssm-agent,
// agent/cli/clicommand/getdiagnostics.go.)
const wide = 80

// edges is what the lines of a table of three columns take.
const edges = 10

// table draws findings in boxes.
func table(found []finding) string {
	rows := append([]finding{{"Check", "Status", "Note"}}, found...)
	first, second, word := 0, 0, 0
	for _, r := range rows {
		first, second = max(first, width(r.Check)), max(second, width(r.Status))
		for w := range strings.FieldsSeq(r.Note) {
			word = max(word, width(w))
		}
	}
	third := max(word, wide-edges-first-second)
	line := func(left, middle, right string) string {
		bars := []string{strings.Repeat("─", first+2), strings.Repeat("─", second+2), strings.Repeat("─", third+2)}
		return left + strings.Join(bars, middle) + right
	}
	out := []string{line("┌", "┬", "┐")}
	for i, r := range rows {
		if i > 0 {
			out = append(out, line("├", "┼", "┤"))
		}
		check, status := r.Check, r.Status
		for _, note := range wrap(r.Note, third) {
			out = append(out, fmt.Sprintf("│ %s │ %s │ %s │", pad(check, first), pad(status, second), pad(note, third)))
			check, status = "", ""
		}
	}
	return strings.Join(append(out, line("└", "┴", "┘")), "\n")
}

// wrap breaks a text between words.
func wrap(text string, most int) []string {
	lines := []string{""}
	for w := range strings.FieldsSeq(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = w
		case width(*last)+1+width(w) <= most:
			*last += " " + w
		default:
			lines = append(lines, w)
		}
	}
	return lines
}

func width(s string) int { return utf8.RuneCountInString(s) }

func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-width(s))) }
