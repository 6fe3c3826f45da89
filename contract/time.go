package contract

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Time is an instant in a document: RFC 3339 with the Paris offset, in whole seconds; null when it is zero.
type Time struct {
	time.Time
}

// MarshalJSON gives a string, or null for the zero time.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	b := make([]byte, 0, len(`"2026-11-22T08:31:07+01:00"`))
	b = append(b, '"')
	b = t.In(meter.Paris()).AppendFormat(b, time.RFC3339)
	return append(b, '"'), nil
}

// thousandth turns Wh into kWh, W into kW, VA into kVA. The nearest float prints with three decimals at most.
func thousandth(n int64) float64 { return float64(n) / 1000 }

// encode is JSON on one line, with the characters of HTML as they are: nobody puts a document into a page unescaped. The
// documents hold nothing that JSON cannot say, so an error is a programmer's mistake.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
