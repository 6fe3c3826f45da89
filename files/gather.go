package files

import (
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// batchDays is how many days a batch holds at most, where they do not come by months.
const batchDays = 31

// everything is wider than what a file may tell of.
func everything() meter.Days {
	return meter.Days{From: meter.NewDay(firstYear, time.January, 1) - 1, To: meter.NewDay(lastYear+1, time.January, 2)}
}

// batcher gathers days of series into batches.
type batcher struct {
	f    *File
	emit func(Batch) error
	b    Batch
	last meter.DayValues // the newest day of the series
}

// add takes a day; a full batch, or one of another series, is handed on before. Of a day that comes twice in a row the first
// value counts: a second one would make the import of a file change something each time.
func (g *batcher) add(s meter.Series, d meter.DayValues) error {
	if g.b.Series == s && g.last.Day == d.Day && s.Measure != meter.LoadCurve {
		if g.last.Value != d.Value {
			g.f.leave(1, whyOverlap)
		}
		return nil
	}
	if s != g.b.Series || len(g.b.Days) >= batchDays {
		if err := g.flush(); err != nil {
			return err
		}
	}
	g.last = d
	g.b.Series, g.b.Days = s, append(g.b.Days, d)
	return nil
}

func (g *batcher) flush() error {
	if len(g.b.Days) == 0 {
		return nil
	}
	full := g.b
	g.b.Days = nil
	return g.emit(full)
}

// curve gathers the readings of one series, and hands them on by months: a day is never cut in two as long as the file is in
// order.
type curve struct {
	f       *File
	series  meter.Series
	quality meter.Quality
	emit    func(Batch) error

	month    meter.Days
	readings []meter.Reading
}

// add takes a reading.
func (c *curve) add(start time.Time, step time.Duration, watts int64) error {
	if day := meter.DayOf(start); !c.month.Contains(day) {
		if err := c.flush(); err != nil {
			return err
		}
		c.month = day.Month()
	}
	c.readings = append(c.readings, meter.Reading{
		Interval: meter.Interval{Start: start.UTC(), End: start.Add(step).UTC()},
		Watts:    watts, Quality: c.quality, Source: Source,
	})
	return nil
}

const whyOverlap = "values of a time that has one already"

// flush hands on what was gathered.
func (c *curve) flush() error {
	if len(c.readings) == 0 {
		return nil
	}
	days, anomalies := meter.Curve(everything(), c.readings)
	c.readings = c.readings[:0]
	c.f.leave(len(anomalies), whyOverlap)
	if len(days) == 0 {
		return nil
	}
	return c.emit(Batch{Series: c.series, Days: days})
}

// stamped is a value of a curve whose time is a wall clock's.
type stamped struct {
	meter.Stamp
	watts   int64
	missing bool
}

// wallCurve gathers a curve whose stamps are wall-clock times in Paris, and finds the instants that they mean, month by month.
type wallCurve struct {
	curve
	atStart bool       // the stamp is the start of its interval, else the end
	of      meter.Wall // the first of the month of the values
	values  []stamped
}

// add takes a value, or the word that there is none.
func (c *wallCurve) add(v stamped) error {
	start := v.At
	if !c.atStart {
		start = start.Add(-v.Step)
	}
	month := time.Date(start.Year(), start.Month(), 1, 0, 0, 0, 0, time.UTC)
	if month != c.of {
		if err := c.resolve(); err != nil {
			return err
		}
		c.of = month
	}
	c.values = append(c.values, v)
	return nil
}

const whyNoTime = "values of a time that does not exist or stands there twice"

// resolve turns the stamps of a month into instants. The second time that October shows an hour is told by the order.
func (c *wallCurve) resolve() error {
	if n := len(c.values); n > 1 && c.values[n-1].At.Before(c.values[0].At) { // the newest stand first
		slices.Reverse(c.values)
	}
	stamps := make([]meter.Stamp, len(c.values))
	for i, v := range c.values {
		stamps[i] = v.Stamp
	}
	for i, at := range meter.ResolveEnds(stamps) { // which minds the order and the step, whichever bound the stamps are
		v := c.values[i]
		switch {
		case v.missing && at.IsZero(): // the hour that March leaves out
			continue
		case v.missing:
			c.f.leave(1, whyAbsent)
			continue
		case at.IsZero():
			c.f.leave(1, whyNoTime)
			continue
		case !c.atStart:
			at = at.Add(-v.Step)
		}
		if err := c.curve.add(at, v.Step, v.watts); err != nil {
			return err
		}
	}
	c.values = c.values[:0]
	return nil
}

// flush hands on what was gathered.
func (c *wallCurve) flush() error {
	if err := c.resolve(); err != nil {
		return err
	}
	return c.curve.flush()
}
