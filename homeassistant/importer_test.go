package homeassistant_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant/homeassistanttest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

var first = day("2026-10-20")

// hourly are n curve days of half hours, from the first on.
func hourly(from meter.Day, n int) []meter.DayValues {
	days := make([]meter.DayValues, n)
	for i := range days {
		days[i] = curve(from+meter.Day(i), 30*time.Minute, func(slot int) int64 { return int64(100 + 10*i + slot) })
	}
	return days
}

// history is a store with a month of curves, over the autumn change.
func history() *memory {
	s := newMemory()
	s.put(meter.LoadCurve, hourly(first, 30)...)
	return s
}

func TestImporterFollowsTheStore(t *testing.T) {
	const hours = 30*24 + 1
	last := first + 29
	for name, c := range map[string]struct {
		change func(s *memory)
		sent   []int // rows, by message
	}{
		"nothing changes": {
			change: func(*memory) {},
		},
		"a day is new": {
			change: func(s *memory) { s.put(meter.LoadCurve, hourly(last+1, 1)...) }, sent: []int{24},
		},
		"a day is new after a hole": {
			change: func(s *memory) { s.put(meter.LoadCurve, hourly(last+100, 1)...) }, sent: []int{24},
		},
		"a daily value is new": {
			change: func(s *memory) { s.put(meter.Daily, daily(last+1, 9000)) }, sent: []int{1},
		},
		"an older day": {
			change: func(s *memory) { s.put(meter.LoadCurve, hourly(first-1, 1)...) }, sent: []int{hours + 24},
		},
		"a much older daily value": {
			change: func(s *memory) { s.put(meter.Daily, daily(first-80, 9000)) }, sent: []int{hours + 1},
		},
		"the last day is another": {
			change: func(s *memory) { s.put(meter.LoadCurve, hourly(last, 1)...) }, sent: []int{24},
		},
		"a daily value of a day with its curve": {
			change: func(s *memory) { s.put(meter.Daily, daily(last, 1)) },
		},
		"the last hour is corrected": {
			change: func(s *memory) {
				v := hourly(first, 30)[29]
				v.Readings[47].Watts++
				s.put(meter.LoadCurve, v)
			},
			sent: []int{1},
		},
		"an hour is corrected, and all later sums with it": {
			change: func(s *memory) {
				v := hourly(first, 30)[20]
				v.Readings[7].Watts++
				s.put(meter.LoadCurve, v)
			},
			sent: []int{9*24 + 21},
		},
		"two hours make up for each other": {
			change: func(s *memory) {
				v := hourly(first, 30)[20]
				v.Readings[7].Watts++
				v.Readings[13].Watts--
				s.put(meter.LoadCurve, v)
			},
			sent: []int{4},
		},
		"three years of older days, in messages of 5000 rows": {
			change: func(s *memory) { s.put(meter.LoadCurve, hourly(first-800, 800)...) },
			sent:   []int{5000, 5000, 5000, 800*24 + hours - 15000},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHome(t, homeassistanttest.Options{Lag: 300 * time.Millisecond}, history())
				h.start(t)
				require.Equal(t, []int{hours}, rowsSent(h.ha))
				requireFollows(t, h.ha, h.store)
				c.change(h.store)
				h.follow()
				require.Equal(t, c.sent, rowsSent(h.ha))
				requireFollows(t, h.ha, h.store)
				require.Equal(t, homeassistant.OK, h.importer.Outcome().State)
				require.Empty(t, h.ha.Warnings())
			})
		})
	}
}

func TestCurveTakesThePlaceOfADailyValue(t *testing.T) {
	for name, d := range map[string]meter.Day{
		"a day": day("2026-11-21"), "the spring day": day("2026-03-29"), "the autumn day": day("2026-10-25"),
	} {
		t.Run(name, func(t *testing.T) {
			store := newMemory()
			store.put(meter.Daily, daily(d-1, 4000), daily(d, 2500), daily(d+1, 3000))
			synctest.Test(t, func(t *testing.T) {
				h := newHome(t, homeassistanttest.Options{}, store)
				h.start(t)
				require.Len(t, rows(t, h.ha), 3)
				store.put(meter.LoadCurve, curve(d, 30*time.Minute, constant(100)))
				h.follow()
				require.Len(t, rows(t, h.ha), 2+int(d.Length()/time.Hour))
				requireFollows(t, h.ha, store)
			})
		})
	}
}

func TestSumsGoOnAfterALostStore(t *testing.T) {
	for name, c := range map[string]struct {
		kept func(s *memory) // what is fetched anew
		sum  int64           // Wh that the statistic ends with, over those that the first store gave
	}{
		"a week of curves":     {kept: func(s *memory) { s.put(meter.LoadCurve, hourly(first, 30)[23:]...) }},
		"nothing but new days": {kept: func(s *memory) { s.put(meter.Daily, daily(first+30, 5000)) }, sum: 5000},
		"daily values stand below the hours that are there": {kept: func(s *memory) {
			for i := range 30 {
				s.put(meter.Daily, daily(first+meter.Day(i), 1))
			}
		}},
		"more history than ever": {kept: func(s *memory) {
			s.put(meter.Daily, daily(first-10, 7000))
			s.put(meter.LoadCurve, hourly(first, 30)[23:]...)
		}, sum: 7000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHome(t, homeassistanttest.Options{}, history())
				h.start(t)
				before := rows(t, h.ha)
				*h.store = *newMemory()
				c.kept(h.store)
				h.follow()
				after := rows(t, h.ha)
				requireNoJump(t, 0, after)
				require.Equal(t, before[len(before)-1].Sum+meter.WattHours(c.sum).Joules(), after[len(after)-1].Sum)
				energy := make(map[int64]meter.Joules)
				for _, r := range after {
					energy[r.Start.Unix()] = r.State
				}
				for _, r := range before {
					require.Equal(t, r.State, energy[r.Start.Unix()], "the hour %v is as it was", r.Start)
				}
			})
		})
	}
}

func TestHomeAssistantThatForgets(t *testing.T) {
	for name, forget := range map[string]func(h *home){
		"its users removed the statistic": func(h *home) { h.ha.Clear(string(consumption.ID())) },
		"a backup of last week was restored": func(h *home) {
			kept := h.ha.Rows(string(consumption.ID()))
			m, _ := h.ha.Metadata(string(consumption.ID()))
			h.ha.Put(string(consumption.ID()), m, kept[:len(kept)-7*24]...)
		},
		"somebody moved the sums": func(h *home) {
			kept := h.ha.Rows(string(consumption.ID()))
			m, _ := h.ha.Metadata(string(consumption.ID()))
			for i := range kept[100:] {
				moved := *kept[100+i].Sum + 1000
				kept[100+i].Sum = &moved
			}
			h.ha.Put(string(consumption.ID()), m, kept...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHome(t, homeassistanttest.Options{}, history())
				h.start(t)
				forget(h)
				h.store.put(meter.Daily, daily(first+30, 5000))
				h.follow()
				requireFollows(t, h.ha, h.store)
			})
		})
	}
}

func TestRowsOfAnotherWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t, homeassistanttest.Options{}, history())
		h.start(t)
		kept := h.ha.Rows(string(consumption.ID()))
		m, _ := h.ha.Metadata(string(consumption.ID()))
		state, sum := 1.0, 1e6
		h.ha.Put(string(consumption.ID()), m, append(kept, homeassistanttest.Row{
			Start: (first + 40).Start(), State: &state, Sum: &sum,
		})...)
		h.store.put(meter.Daily, daily(first+30, 5000))
		h.follow()
		after := rows(t, h.ha)
		require.Len(t, after, len(kept)+2)
		requireNoJump(t, 0, after)
	})
}

func TestRestartNeedsNoImport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t, homeassistanttest.Options{}, history())
		h.start(t)
		imported := h.importer.Outcome().LastImportAt
		require.False(t, imported.IsZero())
		h.ha.Commands()
		h.importer = homeassistant.New(importerOptions(h, inMemory(t, h.ha)))
		time.Sleep(time.Hour)
		h.start(t)
		var asked []string
		for _, c := range h.ha.Commands() {
			asked = append(asked, c.Type)
		}
		require.Equal(t, []string{
			"recorder/info", "energy/get_prefs", "recorder/get_statistics_metadata", "recorder/statistics_during_period",
		}, asked)
		require.Equal(t, imported, h.importer.Outcome().LastImportAt)
	})
}

func TestMetadataAreCompared(t *testing.T) {
	text := func(s string) *string { return &s }
	ours := homeassistanttest.Metadata{
		Name: text(consumption.Name), Unit: text("kWh"), UnitClass: text("energy"), HasSum: true,
	}
	with := func(change func(m *homeassistanttest.Metadata)) homeassistanttest.Metadata {
		m := ours
		change(&m)
		return m
	}
	t.Run("what is not like ours is refused, and stays as it is", func(t *testing.T) {
		for name, m := range map[string]homeassistanttest.Metadata{
			"another unit": with(func(m *homeassistanttest.Metadata) { m.Unit = text("Wh") }),
			"no unit":      with(func(m *homeassistanttest.Metadata) { m.Unit = nil }),
			"no sums":      with(func(m *homeassistanttest.Metadata) { m.HasSum = false }),
			"means":        with(func(m *homeassistanttest.Metadata) { m.MeanType = 1 }),
		} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := newHome(t, homeassistanttest.Options{}, history())
					h.ha.Put(string(consumption.ID()), m)
					h.start(t)
					o := h.importer.Outcome()
					require.Equal(t, homeassistant.Refused, o.State)
					require.Contains(t, o.Error, "enedis2mqtt:…0987_consumption")
					require.NotContains(t, o.Error+h.log.String(), string(prm))
					require.Empty(t, rowsSent(h.ha))
					kept, _ := h.ha.Metadata(string(consumption.ID()))
					require.Equal(t, m, kept)
				})
			})
		}
	})
	t.Run("a name and a unit class are put right, without rows", func(t *testing.T) {
		for name, m := range map[string]homeassistanttest.Metadata{
			"another name":  with(func(m *homeassistanttest.Metadata) { m.Name = text("Cave") }),
			"no unit class": with(func(m *homeassistanttest.Metadata) { m.UnitClass = nil }),
		} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := newHome(t, homeassistanttest.Options{}, history())
					h.start(t)
					rowsSent(h.ha)
					var kept []homeassistanttest.Row
					kept = append(kept, h.ha.Rows(string(consumption.ID()))...)
					h.ha.Put(string(consumption.ID()), m, kept...)
					h.follow()
					require.Equal(t, []int{0}, rowsSent(h.ha))
					now, _ := h.ha.Metadata(string(consumption.ID()))
					require.Equal(t, ours, now)
					requireFollows(t, h.ha, h.store)
				})
			})
		}
	})
}

func TestMetadataStyleIsLearnt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t, homeassistanttest.Options{Version: "2027.1.0", Legacy: true}, history())
		h.start(t)
		require.Len(t, rowsSent(h.ha), 2, "one is refused")
		h.store.put(meter.Daily, daily(first+30, 5000))
		h.follow()
		require.Len(t, rowsSent(h.ha), 1)
		requireFollows(t, h.ha, h.store)
	})
}

func TestOneRefusedSeriesDoesNotHoldTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t, homeassistanttest.Options{}, history())
		h.ha.Put("enedis2mqtt:09876543210987_production", homeassistanttest.Metadata{HasSum: true})
		o := importerOptions(h, inMemory(t, h.ha))
		o.Series = func() []homeassistant.Series {
			return []homeassistant.Series{{PRM: prm, Direction: meter.Production, Name: "Production"}, consumption}
		}
		h.importer = homeassistant.New(o)
		h.start(t)
		requireFollows(t, h.ha, h.store)
		outcome := h.importer.Outcome()
		require.Equal(t, homeassistant.Refused, outcome.State)
		require.Len(t, outcome.Series, 2)
		require.Error(t, outcome.Series[0].Err)
		require.NoError(t, outcome.Series[1].Err)
	})
}

func TestStoreThatFails(t *testing.T) {
	store := history()
	store.err = errors.New("disk full")
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t, homeassistanttest.Options{}, store)
		h.start(t)
		require.Equal(t, homeassistant.Storage, h.importer.Outcome().State)
		require.Contains(t, h.importer.Outcome().Error, "disk full")
		store.mu.Lock()
		store.err = nil
		store.mu.Unlock()
		h.follow()
		requireFollows(t, h.ha, store)
	})
}

func TestEnergyDashboardIsLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t, homeassistanttest.Options{}, history())
		h.start(t)
		require.False(t, h.importer.Outcome().Series[0].InEnergy)
		h.ha.SetPreferences(`{"energy_sources":[{"type":"grid","stat_energy_from":"` + string(consumption.ID()) + `"}]}`)
		h.follow()
		require.True(t, h.importer.Outcome().Series[0].InEnergy)
	})
}
