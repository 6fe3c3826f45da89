package enedistest

import (
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const (
	medChunk     = 7 // days of one request to Enedis
	medBlock     = 24 * time.Hour
	medMaxFailed = 5 // failures of a day in 24 h; one more puts it on the blacklist
)

// batch gives a curve in chunks of a week. A chunk for which Enedis has nothing puts its days on the blacklist for 24 h;
// one that fails otherwise is tried again from the next day on. What is missing in the end is not named.
func (g *MyElectricalDataV2) batch(q *medQuery) answer {
	var all v5Reading
	wanted := g.open(q)
	partial := false
	for _, chunk := range medChunks(wanted) {
		reading, ok := g.chunk(q, chunk)
		all.PRM, all.Quality = reading.PRM, reading.Quality
		if len(reading.Intervals) > 0 {
			all.Type = reading.Type
		}
		all.Intervals = append(all.Intervals, reading.Intervals...)
		partial = partial || !ok
	}
	all.PRM, all.Start, all.End, all.Quality = q.prm, q.days.From, q.days.To, "BRUT"
	all.Intervals = sorted(all.Intervals)
	var e *medError
	switch {
	case len(all.Intervals) == 0 && len(wanted) > 0:
		return g.no("NO_DATA", "No consumption data available for this period. This may be before the meter activation date.")
	case partial:
		e = &medError{Code: "PARTIAL_DATA", Message: "Some data could not be fetched (possibly before activation date)."}
	}
	if g.options.Since2 {
		q.of2026 = true // nobody translates the batch
	}
	return g.write(q, all, e)
}

// open lists the days that are not on the blacklist.
func (g *MyElectricalDataV2) open(q *medQuery) []meter.Day {
	g.mu.Lock()
	defer g.mu.Unlock()
	var days []meter.Day
	for day := range q.days.All() {
		if !g.now().Before(g.blocked[medDay{q.prm, day}]) {
			days = append(days, day)
		}
	}
	return days
}

// medChunks cuts days into runs of a week.
func medChunks(days []meter.Day) []meter.Days {
	var chunks []meter.Days
	for _, day := range days {
		last := len(chunks) - 1
		if last >= 0 && chunks[last].To == day && chunks[last].Len() < medChunk {
			chunks[last].To++
			continue
		}
		chunks = append(chunks, meter.Days{From: day, To: day + 1})
	}
	return chunks
}

// chunk asks Enedis for a week; it is not ok when seven starts were in vain. Where there are fewer days, nobody minds.
func (g *MyElectricalDataV2) chunk(q *medQuery, days meter.Days) (reading v5Reading, ok bool) {
	short := days.Len() < medChunk
	for !days.Empty() {
		reading, refusal := g.measures(q, days)
		if refusal == nil {
			return reading, true
		}
		if strings.Contains(refusal.Error(), "no_data_found") {
			g.block(q.prm, days)
			return v5Reading{}, true
		}
		g.fail(q.prm, days.From)
		days.From++
	}
	return v5Reading{}, short
}

// block puts days on the blacklist.
func (g *MyElectricalDataV2) block(prm meter.PRM, days meter.Days) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for day := range days.All() {
		g.blocked[medDay{prm, day}] = g.now().Add(medBlock)
	}
}

// fail counts a failure of a day, of which too many put it on the blacklist.
func (g *MyElectricalDataV2) fail(prm meter.PRM, day meter.Day) {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := medDay{prm, day}
	f := g.failed[key]
	if g.now().Sub(f.since) >= medBlock {
		f = medFailure{since: g.now()}
	}
	f.times++
	g.failed[key] = f
	if f.times > medMaxFailed {
		g.blocked[key] = g.now().Add(medBlock)
	}
}
