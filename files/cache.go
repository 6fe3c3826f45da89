package files

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// The reasons for which rows of MyElectricalData's database are left out.
const (
	whyEmpty = "values of 0, which MyElectricalData writes for days and slots that it has not got"
	whyPRM   = "values of something that is no meter"
)

// cache is MyElectricalData's database, cache.db or myelectricaldata.db, as myelectricaldata_import writes it: a table for each
// series, a row a value. Its times are wall-clock times of Paris, without an offset; a slot of a curve is dated by its start,
// which is the stamp of its end less its step. A row has the time as its key, so that of the hour that October repeats the
// second one is there alone. From version 1 on the key is another one, so that a time may have two rows, of which the newer
// counts; and the instant of a maximum power is in UTC.
type cache struct {
	f      *File
	db     *sql.DB
	utc    bool // of maximum powers
	tables map[string]bool
}

// readCache reads MyElectricalData's database.
func (f *File) readCache(ctx context.Context, emit func(Batch) error) error {
	db, err := sql.Open("sqlite", readOnly(f.path))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // nothing was written
	db.SetMaxOpenConns(1)
	c := &cache{f: f, db: db, tables: make(map[string]bool)}
	if err := c.inspect(ctx); err != nil {
		return err
	}
	for _, t := range []struct {
		table string
		read  func(context.Context, string, meter.Direction, func(Batch) error) error
		of    meter.Direction
	}{
		{"consumption_daily", c.daily, meter.Consumption},
		{"consumption_detail", c.curve, meter.Consumption},
		{"consumption_daily_max_power", c.peaks, meter.Consumption},
		{"production_daily", c.daily, meter.Production},
		{"production_detail", c.curve, meter.Production},
	} {
		if !c.tables[t.table] {
			continue // an older version has fewer
		}
		if err := t.read(ctx, t.table, t.of, emit); err != nil {
			return fmt.Errorf("table %s: %w", t.table, err)
		}
	}
	return nil
}

// readOnly names a database to the driver so that nothing is written, not even beside it, unless a process has it open.
func readOnly(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	parameters := "?mode=ro&_pragma=busy_timeout(5000)&_pragma=temp_store(memory)&_pragma=cache_size(-2048)"
	if !exists(path+"-wal") && !exists(path+"-journal") {
		parameters += "&immutable=1"
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // a drive letter
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String() + parameters
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}

func (c *cache) inspect(ctx context.Context) error {
	err := c.each(ctx, `SELECT name FROM sqlite_master WHERE type = 'table'`, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		c.tables[name] = true
		return err
	})
	switch {
	case err != nil:
		return err
	case c.tables["revisions"] && c.tables["series"]:
		return errors.New("this is a database of enedis2mqtt itself: give it its place in DATA_DIR, or import an export of it")
	case !c.tables["consumption_daily"] && !c.tables["consumption_detail"] && !c.tables["production_daily"]:
		return errors.New("this is a database (SQLite), and not that of MyElectricalData")
	case !c.tables["config"]:
		return nil
	}
	return c.each(ctx, `SELECT value FROM config WHERE key = 'version'`, func(scan func(...any) error) error {
		var version string
		err := scan(&version)
		major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
		n, _ := strconv.Atoi(major) // what is no number is old
		c.utc = n >= 1
		return err
	})
}

func (c *cache) each(ctx context.Context, query string, row func(scan func(...any) error) error) error {
	rows, err := c.db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err tells
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// cached is a row of any of the tables.
type cached struct {
	prm   meter.PRM
	at    meter.Wall
	value int64
	step  time.Duration // of a curve
}

// walk reads the rows of a table, meter by meter and in order, but for those that are no value.
func (c *cache) walk(ctx context.Context, table, at, step string, take func(cached) error) error {
	query := fmt.Sprintf(`SELECT CAST(usage_point_id AS TEXT), CAST(%s AS TEXT), CAST(value AS TEXT), CAST(%s AS TEXT)
		FROM %s ORDER BY usage_point_id, date, rowid DESC`, at, step, table)
	n := 0
	return c.each(ctx, query, func(scan func(...any) error) error {
		n++
		var prm, at, value, step sql.NullString
		if err := scan(&prm, &at, &value, &step); err != nil {
			return err
		}
		r, ok, err := c.row(prm.String, at.String, value.String, step.String)
		if err != nil {
			return fmt.Errorf("row %d: %w", n, err)
		}
		if !ok {
			return nil
		}
		return take(r)
	})
}

func (c *cache) row(prm, at, value, step string) (r cached, ok bool, err error) {
	if len(prmsIn(prm)) != 1 || len(prm) != 14 { // as its config.yaml has until somebody fills it in
		c.f.leave(1, whyPRM)
		return r, false, nil
	}
	r.prm = meter.PRM(prm)
	if r.value, ok, err = (unit{factor: 1}).number(value); err != nil {
		return r, false, err
	}
	minutes, err := strconv.Atoi(step)
	if step != "" && err != nil {
		return r, false, fmt.Errorf("interval %q is no number", excerpt(step))
	}
	r.step = time.Duration(min(max(minutes, 0), 24*60)) * time.Minute
	if !ok || at == "" || r.value == 0 && r.step == 0 {
		c.f.leave(1, whyEmpty)
		return r, false, nil
	}
	at, _, _ = strings.Cut(at, ".") // SQLAlchemy writes microseconds
	r.at, err = wall(at)
	return r, true, err
}

func (c *cache) daily(ctx context.Context, table string, d meter.Direction, emit func(Batch) error) error {
	out := batcher{f: c.f, emit: emit}
	err := c.walk(ctx, table, "date", "''", func(r cached) error {
		s := meter.Series{PRM: r.prm, Direction: d, Measure: meter.Daily}
		return out.add(s, meter.DayValues{Day: meter.NewDay(r.at.Date()), Source: Source, Quality: meter.Raw, Value: r.value})
	})
	if err != nil {
		return err
	}
	return out.flush()
}

func (c *cache) peaks(ctx context.Context, table string, d meter.Direction, emit func(Batch) error) error {
	out := batcher{f: c.f, emit: emit}
	err := c.walk(ctx, table, "event_date", "''", func(r cached) error {
		at, ok := r.at.UTC(), true
		if !c.utc {
			at, ok = meter.EarliestInstant(r.at)
		}
		if !ok {
			c.f.leave(1, whyNoTime)
			return nil
		}
		return out.add(meter.Series{PRM: r.prm, Direction: d, Measure: meter.MaxPower}, meter.DayValues{
			Day: meter.DayOf(at), Source: Source, Quality: meter.Raw, Value: r.value, At: at.UTC(),
		})
	})
	if err != nil {
		return err
	}
	return out.flush()
}

func (c *cache) curve(ctx context.Context, table string, d meter.Direction, emit func(Batch) error) error {
	var out curve
	var last cached
	err := c.walk(ctx, table, "date", "interval", func(r cached) error {
		if r.prm == last.prm && r.at.Equal(last.at) {
			if r.value != last.value {
				c.f.leave(1, whyOverlap)
			}
			return nil
		}
		last = r
		if r.step == 0 {
			c.f.leave(1, whyEmpty)
			return nil
		}
		if s := (meter.Series{PRM: r.prm, Direction: d, Measure: meter.LoadCurve}); s != out.series {
			if err := out.flush(); err != nil {
				return err
			}
			out = curve{f: c.f, series: s, quality: meter.Raw, emit: emit}
		}
		start, ok := slotStart(r.at, r.step)
		if !ok {
			c.f.leave(1, whyNoTime)
			return nil
		}
		return out.add(start, r.step, r.value)
	})
	if err != nil {
		return err
	}
	return out.flush()
}

// slotStart is when a slot began that is dated by the wall-clock stamp of its end less its step. Of the hour that October
// repeats it is the second one, since that has taken the place of the first. Version 1 normalises the start on the day of
// March, where the stamp of the end then does not exist.
func slotStart(at meter.Wall, step time.Duration) (start time.Time, ok bool) {
	if ends := meter.Instants(at.Add(step)); len(ends) > 0 {
		return ends[len(ends)-1].Add(-step), true
	}
	return meter.EarliestInstant(at)
}
