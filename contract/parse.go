package contract

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func commandNames() []string {
	return []string{Refresh, History, HistoryStop, Republish, CoverageReport}
}

// allowed lists the fields of a command's payload.
func allowed(name string) []string {
	switch name {
	case History:
		return []string{"prm", "from", "to", "direction", "measures", "transaction"}
	case Republish:
		return []string{"transaction"}
	}
	return []string{"prm", "transaction"}
}

// required lists the fields that a command's payload must have.
func required(name string) []string {
	switch name {
	case History:
		return []string{"prm", "from"}
	case CoverageReport:
		return []string{"prm"}
	}
	return nil
}

// ParseCommand reads the payload of the command of that name: a JSON object, or nothing where no field is required. A
// field that is null counts as absent. The error is one sentence for the response; the Command that comes with it has the
// transaction, if the payload has one that can be read. What depends on the day is for Validate.
func ParseCommand(name string, payload []byte) (Command, error) {
	c := Command{Name: name}
	fields, err := object(payload)
	c.Transaction = fields["transaction"]
	if !slices.Contains(commandNames(), name) {
		return c, unknownCommand(name)
	}
	if err == nil {
		err = c.read(fields)
	}
	if err != nil {
		return c, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

func unknownCommand(name string) error {
	return fmt.Errorf("unknown command %q: want %s", visible(name), strings.Join(commandNames(), ", "))
}

// object reads a JSON object without the fields that are null. With an error come the fields that could be read.
func object(payload []byte) (map[string]json.RawMessage, error) {
	if len(bytes.TrimSpace(payload)) == 0 {
		return nil, nil
	}
	payload = bytes.ToValidUTF8(payload, []byte("\uFFFD")) // the transaction goes out again, in a document that is UTF-8
	dec := json.NewDecoder(bytes.NewReader(payload))
	var fields map[string]json.RawMessage
	if err := dec.Decode(&fields); err != nil || fields == nil {
		return nil, errors.New("the payload is no JSON object")
	}
	maps.DeleteFunc(fields, func(_ string, value json.RawMessage) bool { return string(value) == "null" })
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fields, errors.New("something follows the JSON object of the payload")
	}
	return fields, nil
}

// read takes the fields over.
func (c *Command) read(fields map[string]json.RawMessage) error {
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(allowed(c.Name), field) {
			return fmt.Errorf("unknown field %q: allowed are %s", visible(field), strings.Join(allowed(c.Name), ", "))
		}
	}
	for _, field := range required(c.Name) {
		if _, ok := fields[field]; !ok {
			return fmt.Errorf("the field %s is missing", field)
		}
	}
	return cmp.Or(
		text(fields, "prm", "14 digits", meter.ParsePRM, &c.PRM),
		text(fields, "from", "a day as YYYY-MM-DD", meter.ParseDay, &c.From),
		text(fields, "to", "a day as YYYY-MM-DD", meter.ParseDay, &c.To),
		text(fields, "direction", "consumption or production", meter.ParseDirection, &c.Direction),
		measures(fields["measures"], &c.Measures),
	)
}

// text reads a field that is a JSON string into out, and says what it wants otherwise.
func text[T any](fields map[string]json.RawMessage, field, want string, parse func(string) (T, error), out *T) error {
	raw, ok := fields[field]
	if !ok {
		return nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf("%s: want a string of %s", field, want)
	}
	value, err := parse(s)
	if err != nil {
		return fmt.Errorf("%s %q: want %s", field, visible(s), want)
	}
	*out = value
	return nil
}

func measures(raw json.RawMessage, out *[]meter.Measure) error {
	if raw == nil {
		return nil
	}
	const want = "want a list of daily, load_curve and max_power"
	var names []string
	if err := json.Unmarshal(raw, &names); err != nil || len(names) == 0 {
		return errors.New("measures: " + want)
	}
	for _, name := range names {
		m := meter.Measure(name)
		if !slices.Contains(historyMeasures(), m) {
			return fmt.Errorf("measures %q: %s", visible(name), want)
		}
		if !slices.Contains(*out, m) {
			*out = append(*out, m)
		}
	}
	return nil
}

// longDigits finds what may be a whole PRM, which no error text shows.
var longDigits = regexp.MustCompile(`\d{14,}`)

// visible is what an error text quotes of a payload.
func visible(s string) string {
	const most = 40 // bytes
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?' // %q would write it in digits
		}
		return r
	}, s)
	s = longDigits.ReplaceAllLiteralString(s, "…")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
