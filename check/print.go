package check

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
)

// marks begin a line.
var marks = map[Status]string{OK: "✓", Warning: "!", Failed: "✗", Skipped: "–"}

// Print writes the report for people: one line for each check, what is checked in one column and the sentence in the next,
// with the remedy below it, and a last word.
func (r Report) Print(w io.Writer, loc contract.Locale) error {
	labels, width := make([]string, len(r.Checks)), 0
	for i, one := range r.Checks {
		labels[i] = strings.TrimSpace(titles[one.Name].in(loc) + " " + one.Subject)
		width = max(width, utf8.RuneCountInString(labels[i]))
	}
	var text strings.Builder
	for i, one := range r.Checks {
		gap := strings.Repeat(" ", width-utf8.RuneCountInString(labels[i]))
		fmt.Fprintf(&text, "%s %s%s  %s\n", marks[one.Status], labels[i], gap, one.Message)
		if one.Remedy != "" {
			fmt.Fprintf(&text, "  %s  → %s\n", strings.Repeat(" ", width), one.Remedy)
		}
	}
	_, err := fmt.Fprintf(w, "%s\n%s\n", text.String(), r.Summary(loc))
	return err
}

// Summary is the last word in a sentence.
func (r Report) Summary(loc contract.Locale) string {
	failed, warnings := r.count(Failed), r.count(Warning)
	switch {
	case failed > 0:
		return notWell.in(loc, failed, len(r.Checks))
	case warnings > 0:
		return warned.in(loc, warnings)
	}
	return allWell.in(loc)
}
