package homeassistant

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// maxRows is the most rows of one import: about 500 KB. Home Assistant cuts the connection above 4 MiB a message.
const maxRows = 5000

// readSpan is how much is read at a time: about 1 MB of rows.
const readSpan = 366 * 24 * time.Hour

// Recorder is how the part of Home Assistant fares that keeps statistics.
type Recorder struct {
	Migrating bool `json:"migration_in_progress"`
	Recording bool `json:"recording"`
	Running   bool `json:"thread_running"`
}

// Ready is nil, or ErrNotReady with the reason.
func (r Recorder) Ready() error {
	switch {
	case r.Migrating:
		return fmt.Errorf("%w: it migrates its database", ErrNotReady)
	case !r.Recording, !r.Running:
		return fmt.Errorf("%w: it does not record", ErrNotReady)
	}
	return nil
}

// Recorder asks how the recorder fares. That it has nothing left to do is no proof that an import is written (measured on
// 2026.11.0): only reading back is.
func (c *Client) Recorder(ctx context.Context) (Recorder, error) {
	var r Recorder
	err := c.call(ctx, "recorder/info", nil, &r)
	return r, err
}

// Metadata reads what is known of a statistic; ok is false when there is none.
func (c *Client) Metadata(ctx context.Context, id ID) (m Metadata, ok bool, err error) {
	var found []struct {
		ID        ID      `json:"statistic_id"`
		Name      string  `json:"name"`
		Unit      string  `json:"statistics_unit_of_measurement"`
		UnitClass string  `json:"unit_class"`
		HasSum    bool    `json:"has_sum"`
		HasMean   bool    `json:"has_mean"`
		MeanType  float64 `json:"mean_type"`
	}
	err = c.call(ctx, "recorder/get_statistics_metadata", map[string]any{"statistic_ids": []ID{id}}, &found)
	for _, f := range found {
		if f.ID == id {
			return Metadata{
				ID: id, Name: f.Name, Unit: f.Unit, UnitClass: f.UnitClass, HasSum: f.HasSum,
				HasMean: f.HasMean || f.MeanType != 0,
			}, true, err
		}
	}
	return Metadata{}, false, err
}

// Import hands over rows, at most 5 000, in time order; with none it writes the metadata alone. Home Assistant only queues
// them: read back. It overwrites the metadata, and each row of the same hour as a whole. A statistic that is not ours gives
// ErrForeign, and nothing is sent.
func (c *Client) Import(ctx context.Context, m Metadata, rows []Row) error {
	if err := m.ID.check(); err != nil {
		return err
	}
	if len(rows) > maxRows {
		return fmt.Errorf("%d rows in one import: at most %d", len(rows), maxRows)
	}
	type row struct {
		Start string  `json:"start"`
		State float64 `json:"state"`
		Sum   float64 `json:"sum"`
	}
	stats := make([]row, len(rows))
	for i, r := range rows {
		stats[i] = row{Start: r.Start.UTC().Format(time.RFC3339), State: kWh(r.State), Sum: kWh(r.Sum)}
	}
	send := func(s style) error {
		return c.call(ctx, "recorder/import_statistics", map[string]any{"metadata": m.encode(s), "stats": stats}, nil)
	}
	first := c.metadataStyle()
	err := send(first)
	if !hasCode(err, "invalid_format") {
		return err
	}
	if send(first.other()) == nil {
		c.setMetadataStyle(first.other())
		return nil
	}
	return err // the other style is no better: the first complaint is the one to read
}

func (c *Client) metadataStyle() style {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.style
}

func (c *Client) setMetadataStyle(s style) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.style = s
}

// held is a row as it is read. A row that somebody else has written may lack a number.
type held struct {
	Start int64    `json:"start"` // epoch ms
	State *float64 `json:"state"`
	Sum   *float64 `json:"sum"`
}

// Rows reads the rows of a statistic that begin in the span, oldest first. Where the energy of an hour is missing, it is
// what the sum rose by, counted from 0 at the span's start.
func (c *Client) Rows(ctx context.Context, id ID, span meter.Interval) ([]Row, error) {
	var rows []Row
	for from := span.Start; from.Before(span.End); from = from.Add(readSpan) {
		to := from.Add(readSpan)
		if to.After(span.End) {
			to = span.End
		}
		found, err := c.during(ctx, id, meter.Interval{Start: from, End: to}, "hour")
		if err != nil {
			return nil, err
		}
		rows = appendRows(rows, found)
	}
	return rows, nil
}

func appendRows(rows []Row, found []held) []Row {
	var sum meter.Joules
	if len(rows) > 0 {
		sum = rows[len(rows)-1].Sum
	}
	rows = slices.Grow(rows, len(found))
	for _, h := range found {
		row := Row{Start: time.UnixMilli(h.Start).UTC(), Sum: sum}
		if h.Sum != nil {
			row.Sum = joules(*h.Sum)
		}
		row.State = row.Sum - sum
		if h.State != nil {
			row.State = joules(*h.State)
		}
		rows, sum = append(rows, row), row.Sum
	}
	return rows
}

// extent gives a span that holds all rows of a statistic, and is empty when there are none. Months are those of Home
// Assistant's zone, which may be any.
func (c *Client) extent(ctx context.Context, id ID) (meter.Interval, error) {
	months, err := c.during(ctx, id, meter.Interval{Start: time.Unix(0, 0)}, "month")
	if err != nil || len(months) == 0 {
		return meter.Interval{}, err
	}
	first, last := time.UnixMilli(months[0].Start), time.UnixMilli(months[len(months)-1].Start)
	return meter.Interval{Start: first.UTC(), End: last.AddDate(0, 1, 1).UTC()}, nil
}

// newest gives the rows from a point on in one answer, for who expects one row.
func (c *Client) newest(ctx context.Context, id ID, from time.Time) ([]Row, error) {
	found, err := c.during(ctx, id, meter.Interval{Start: from}, "hour")
	return appendRows(nil, found), err
}

// during reads what begins in the span; one without an end has none.
func (c *Client) during(ctx context.Context, id ID, span meter.Interval, period string) ([]held, error) {
	fields := map[string]any{
		"start_time":    span.Start.UTC().Format(time.RFC3339),
		"statistic_ids": []ID{id},
		"period":        period,
		"types":         []string{"state", "sum"},
	}
	if !span.End.IsZero() {
		fields["end_time"] = span.End.UTC().Format(time.RFC3339)
	}
	found := make(map[ID][]held)
	err := c.call(ctx, "recorder/statistics_during_period", fields, &found)
	return found[id], err
}

// Admin tells whether the token is an administrator's: others may look at statistics, and write none.
func (c *Client) Admin(ctx context.Context) (bool, error) {
	var user struct {
		Admin bool `json:"is_admin"`
	}
	err := c.call(ctx, "auth/current_user", nil, &user)
	return user.Admin, err
}

// InEnergy gives the statistics of ours that the Energy dashboard uses. Its preferences are read, never written: their shape
// differs between versions, and writing replaces whole lists.
func (c *Client) InEnergy(ctx context.Context) ([]ID, error) {
	var preferences any
	err := c.call(ctx, "energy/get_prefs", nil, &preferences)
	if hasCode(err, "not_found") || hasCode(err, "unknown_command") { // never saved; no dashboard
		return nil, nil
	}
	ids := collectIDs(nil, preferences)
	slices.Sort(ids)
	return slices.Compact(ids), err
}

// collectIDs finds our ids wherever they stand: the keys differ between versions.
func collectIDs(ids []ID, v any) []ID {
	switch v := v.(type) {
	case string:
		if id := ID(v); id.check() == nil {
			ids = append(ids, id)
		}
	case []any:
		for _, element := range v {
			ids = collectIDs(ids, element)
		}
	case map[string]any:
		for _, value := range v {
			ids = collectIDs(ids, value)
		}
	}
	return ids
}
