// Package homeassistant keeps a meter's energy in Home Assistant's long-term statistics, each kilowatt-hour in the hour in
// which it flowed. MQTT cannot do that: Home Assistant dates a state at its arrival. So the rows go over its WebSocket API,
// as external statistics, which no sensor's own compilation touches.
//
// It has three parts. Lay and Plan are pure: they turn days into hours, and hours into rows with running sums. Client
// speaks the few commands. Importer compares what a statistic holds with what it should hold, writes the difference, reads
// it back, and tries again in its own time.
//
// Home Assistant is asked, not trusted: before each import the metadata and the row that was left last are compared, after
// it every row that was written. Energies are whole joules here; kilowatt-hours exist on the wire alone, and as a 64-bit
// float of whole joules they come back as what they were.
//
// A day that comes in before others moves the sums of all that follow. So while a backfill brings such days, they are sent
// once a day and at its end; the newest days are sent at once.
//
// A sum begins at 0 with the oldest hour that the statistic or our store knows. So after a lost store the hours that stand
// in Home Assistant are the origin on which the new ones build, however far back history comes in later.
//
// The package knows nothing of Enedis, MQTT or SQL: days come as meter.DayValues, what must outlive the process goes through
// Store.
package homeassistant

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"regexp"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// source is the part of our ids before the colon. Statistics of any other source belong to another tool, and two writers
// destroy each other's sums.
const source = "enedis2mqtt"

// ErrForeign means that a statistic is not ours to write.
var ErrForeign = errors.New("only statistics of " + source + " are written")

// ours is Home Assistant's rule for external ids, with our source.
var ours = regexp.MustCompile(`^` + source + `:[a-z0-9]+(_[a-z0-9]+)*$`)

// ID names a statistic of ours, as in "enedis2mqtt:09876543210987_consumption". It holds a whole PRM: people see Short.
type ID string

// Short is the id with its PRM shortened.
func (id ID) Short() string { return clean(string(id)) }

// LogValue keeps the PRM short.
func (id ID) LogValue() slog.Value { return slog.StringValue(id.Short()) }

// check refuses ids of other tools, and those that Home Assistant would refuse.
func (id ID) check() error {
	if !ours.MatchString(string(id)) {
		return fmt.Errorf("%s: %w", id.Short(), ErrForeign)
	}
	return nil
}

// Series is one direction of a meter, as a statistic.
type Series struct {
	PRM       meter.PRM
	Direction meter.Direction
	Name      string // what Home Assistant shows
}

// ID names the statistic of the series.
func (s Series) ID() ID { return ID(source + ":" + string(s.PRM) + "_" + string(s.Direction)) }

// Row is one hour of a statistic.
type Row struct {
	Start time.Time    // a full hour
	State meter.Joules // the energy of this hour
	Sum   meter.Joules // the energy of all hours up to the end of this one
}

// same tells whether two rows say the same of the same hour.
func (r Row) same(o Row) bool { return r.Start.Equal(o.Start) && r.State == o.State && r.Sum == o.Sum }

const joulesPerKWh = 3_600_000

// kWh is the nearest float. For less than 250 GWh, joules gets back what went in: the two roundings together stay far below half
// a joule.
func kWh(j meter.Joules) float64 { return float64(j) / joulesPerKWh }

// joules is the nearest whole joule.
func joules(kWh float64) meter.Joules { return meter.Joules(math.Round(kWh * joulesPerKWh)) }

// clean shortens every PRM in a text, for logs and people.
func clean(text string) string {
	return strings.Join(strings.Fields(meter.Shortened(text)), " ")
}
