package measure

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Row is one line of a table: ours beside a peer's, or ours alone.
type Row struct {
	What   string
	Unit   string
	Ours   Sample
	Peer   Sample // empty: nothing to compare with
	Target string // what is aimed at, e.g. "≥ .60"
	Note   string // in place of figures, e.g. why nothing was measured
}

// NotMeasured is a row that says why there are no figures.
func NotMeasured(what, why string) Row { return Row{What: what, Note: "NOT MEASURED: " + why} }

// Table is what one part of the benchmarks found.
type Table struct {
	Title string
	Peer  string // what the peer's column shows
	Rows  []Row
}

// Write prints the table as Markdown.
func (t Table) Write(w io.Writer) error {
	peer := t.Peer
	if peer == "" {
		peer = "peer"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n### %s\n\n| what | kumiko | %s | ratio | target |\n|---|---|---|---|---|\n", t.Title, peer)
	for _, r := range t.Rows {
		if r.Note != "" {
			fmt.Fprintf(&b, "| %s | %s | | | %s |\n", r.What, r.Note, r.Target)
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.What, r.Ours.text(r.Unit), r.Peer.text(r.Unit), r.Ours.Over(r.Peer).text(""), r.Target)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// text is median, unit and spread.
func (s Sample) text(unit string) string {
	if len(s) == 0 {
		return ""
	}
	out := figure(s.Median())
	if unit != "" {
		out += " " + unit
	}
	if len(s) > 1 {
		out += fmt.Sprintf(" [%s–%s]", figure(s.Quantile(0)), figure(s.Quantile(1)))
	}
	return out
}

// figure is a number with three digits that count.
func figure(v float64) string {
	if v == 0 || math.Abs(v) >= 1000 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	return strconv.FormatFloat(v, 'f', max(0, min(digits, 3)), 64)
}
