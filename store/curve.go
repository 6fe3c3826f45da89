package store

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// run is a stretch of a curve day whose slots follow each other with one step, quality and source. A missing slot has
// neither quality nor source, and fits into any run of its step.
type run struct {
	Offset  int64  `json:"o"` // seconds from the day's first instant to the first slot
	Step    int64  `json:"s"` // seconds of each slot
	Quality string `json:"q,omitempty"`
	Source  string `json:"src,omitempty"`
	Watts   []slot `json:"w"`
}

// slot is a number of watts, or null where the slot is missing.
type slot struct {
	watts   int64
	missing bool
}

// UnmarshalJSON takes an integer or null.
func (s *slot) UnmarshalJSON(text []byte) (err error) {
	if string(text) == "null" {
		*s = slot{missing: true}
		return nil
	}
	*s = slot{}
	s.watts, err = strconv.ParseInt(string(text), 10, 64)
	return err
}

// encodeCurve gives the readings of a curve day as they are kept: runs, as in
// [{"o":0,"s":1800,"q":"raw","src":"dataconnect","w":[160,null,142]}].
func encodeCurve(v meter.DayValues) (string, error) {
	var runs []run
	midnight, end := v.Day.Start(), int64(-1)
	for _, r := range v.Readings {
		offset, step := int64(r.Start.Sub(midnight)/time.Second), r.Seconds()
		start := midnight.Add(time.Duration(offset) * time.Second)
		if !start.Equal(r.Start) || !start.Add(time.Duration(step)*time.Second).Equal(r.End) {
			return "", fmt.Errorf("curve of %s: an interval does not begin and end on whole seconds", v.Day)
		}
		if n := len(runs); n == 0 || offset != end || !runs[n-1].takes(r, step) {
			runs = append(runs, run{Offset: offset, Step: step})
		}
		runs[len(runs)-1].add(r)
		end = offset + step
	}
	return string(appendRuns(make([]byte, 0, 384), runs)), nil
}

func (u *run) takes(r meter.Reading, step int64) bool {
	if u.Step != step {
		return false
	}
	return r.Missing || u.Quality == "" || u.Quality == r.Quality.String() && u.Source == r.Source
}

func (u *run) add(r meter.Reading) {
	if !r.Missing {
		u.Quality, u.Source = r.Quality.String(), r.Source
	}
	u.Watts = append(u.Watts, slot{watts: r.Watts, missing: r.Missing})
}

// appendRuns writes by hand what encoding/json would write several times slower: a first start writes thousands of days.
func appendRuns(b []byte, runs []run) []byte {
	b = append(b, '[')
	for i, u := range runs {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"o":`...), u.Offset, 10)
		b = strconv.AppendInt(append(b, `,"s":`...), u.Step, 10)
		if u.Quality != "" {
			b = append(append(b, `,"q":"`...), u.Quality...)
			b = append(b, `","src":`...)
			b = appendString(b, u.Source)
		}
		b = append(b, `,"w":[`...)
		for i, w := range u.Watts {
			if i > 0 {
				b = append(b, ',')
			}
			if w.missing {
				b = append(b, "null"...)
			} else {
				b = strconv.AppendInt(b, w.watts, 10)
			}
		}
		b = append(b, "]}"...)
	}
	return append(b, ']')
}

func appendString(b []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err) // no string is unfit for JSON: a programmer's mistake
	}
	return append(b, quoted...)
}

// decodeCurve reads what encodeCurve wrote; midnight is the day's first instant.
func decodeCurve(midnight time.Time, text string) ([]meter.Reading, error) {
	var runs []run
	if err := json.Unmarshal([]byte(text), &runs); err != nil {
		return nil, fmt.Errorf("curve: %w", err)
	}
	var readings []meter.Reading
	for _, u := range runs {
		quality, err := parseQuality(u.Quality)
		if err != nil && u.Quality != "" {
			return nil, err
		}
		start, step := midnight.Add(time.Duration(u.Offset)*time.Second), time.Duration(u.Step)*time.Second
		for _, w := range u.Watts {
			r := meter.Reading{Interval: meter.Interval{Start: start, End: start.Add(step)}, Missing: w.missing}
			if !w.missing {
				r.Watts, r.Quality, r.Source = w.watts, quality, u.Source
			}
			readings = append(readings, r)
			start = r.End
		}
	}
	return readings, nil
}

func parseQuality(s string) (meter.Quality, error) {
	for _, q := range [...]meter.Quality{meter.Computed, meter.Raw, meter.Corrected} {
		if q.String() == s {
			return q, nil
		}
	}
	return 0, fmt.Errorf("quality %q: want computed, raw or corrected", s)
}
