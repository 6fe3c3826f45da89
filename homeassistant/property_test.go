package homeassistant_test

import (
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant/homeassistanttest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// bubbled hides that it is a testing.T: rapid would ask that for its deadline, which a bubble does not have.
type bubbled struct{ rapid.TB }

// around are days about a clock change, with holes between them.
func around(t *rapid.T) meter.Day {
	change := rapid.SampledFrom([]meter.Day{day("2026-10-25"), day("2026-03-29")}).Draw(t, "clock change")
	return change + meter.Day(rapid.IntRange(-4, 4).Draw(t, "days from it"))
}

// arrive puts something that a source may give: a daily value, a complete curve or one with a gap.
func arrive(t *rapid.T, s *memory) {
	d := around(t)
	switch rapid.IntRange(0, 2).Draw(t, "what comes") {
	case 0:
		s.put(meter.Daily, daily(d, int64(rapid.IntRange(0, 90_000).Draw(t, "Wh"))))
	case 1:
		s.put(meter.LoadCurve, anyCurve(t, d))
	case 2:
		if _, there := s.days[meter.Series{PRM: prm, Direction: meter.Consumption, Measure: meter.LoadCurve}][d]; !there {
			s.put(meter.LoadCurve, lacking(anyCurve(t, d), 0)) // a stored curve never gets less
		}
	}
}

func TestRowsEndTheSameWhateverCameFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(bubbled{t}, func(t *rapid.T) {
			var count, breakAt atomic.Int64
			breakAt.Store(-1)
			fault := rapid.SampledFrom([]homeassistanttest.Reply{
				homeassistanttest.Disconnect, homeassistanttest.DisconnectNow, homeassistanttest.Swallow,
			}).Draw(t, "fault")
			h := newHome(t, homeassistanttest.Options{
				Version: rapid.SampledFrom([]string{"2025.10.4", "2026.11.0"}).Draw(t, "version"),
				Reply: func(homeassistanttest.Command) homeassistanttest.Reply {
					if count.Add(1) == breakAt.Load() {
						return fault
					}
					return homeassistanttest.Chatter
				},
			}, newMemory())
			h.start(t)
			for range rapid.IntRange(1, 6).Draw(t, "rounds") {
				h.filling.Store(rapid.Bool().Draw(t, "a backfill lasts"))
				for range rapid.IntRange(1, 4).Draw(t, "arrivals") {
					arrive(t, h.store)
				}
				if h.filling.Load() {
					h.follow()
					requireNoJump(t, 0, rows(t, h.ha))
				}
				h.filling.Store(false)
				if rapid.Bool().Draw(t, "the statistic is removed") {
					h.ha.Clear(string(consumption.ID()))
				}
				count.Store(0)
				breakAt.Store(int64(rapid.IntRange(1, 20).Draw(t, "broken command")))
				h.follow()
				h.follow()
				requireFollows(t, h.ha, h.store)
				require.Equal(t, homeassistant.OK, h.importer.Outcome().State)
			}
		})
	})
}

func TestNoSumJumpsWhenStoresAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(bubbled{t}, func(t *rapid.T) {
			h := newHome(t, homeassistanttest.Options{}, newMemory())
			h.start(t)
			for range rapid.IntRange(2, 6).Draw(t, "rounds") {
				if rapid.IntRange(0, 2).Draw(t, "loss") == 0 {
					*h.store = *newMemory()
				}
				for range rapid.IntRange(1, 4).Draw(t, "arrivals") {
					arrive(t, h.store)
				}
				before := byHour(rows(t, h.ha))
				h.follow()
				after := rows(t, h.ha)
				requireNoJump(t, 0, after)
				requireBest(t, h.store, before, byHour(after))
			}
		})
	})
}

func byHour(rows []homeassistant.Row) map[int64]meter.Joules {
	energy := make(map[int64]meter.Joules)
	for _, r := range rows {
		energy[r.Start.Unix()] = r.State
	}
	return energy
}

// requireBest wants our curves to stand, our daily values where there was nothing finer, and all else to be as it was.
func requireBest(t *rapid.T, s *memory, before, after map[int64]meter.Joules) {
	ours := make(map[meter.Day]homeassistant.Day)
	for _, d := range homeassistant.Lay(s.values(meter.Daily), s.values(meter.LoadCurve)) {
		ours[d.Day] = d
	}
	for _, at := range slices.Sorted(maps.Keys(before)) {
		if _, known := ours[meter.DayOf(time.Unix(at, 0))]; !known {
			require.Equal(t, before[at], after[at], "an hour that is not ours")
		}
	}
	for _, d := range ours {
		var theirs, now meter.Joules
		finer := false
		for from := d.Start(); from.Before(d.End()); from = from.Add(time.Hour) {
			theirs, now = theirs+before[from.Unix()], now+after[from.Unix()]
			finer = finer || before[from.Unix()] != 0 && !from.Equal(d.Start())
		}
		switch {
		case len(d.Hours) > 1:
			for _, h := range d.Hours {
				require.Equal(t, h.Energy, after[h.Start.Unix()])
			}
		case finer:
			require.Equal(t, theirs, now, "the hours of a lost curve stand")
		default:
			require.Equal(t, d.Hours[0].Energy, now)
		}
	}
}
