package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestCurvesAreCompact(t *testing.T) {
	start := yesterday.Start()
	reading := func(from, minutes time.Duration, watts int64, q meter.Quality, source string) meter.Reading {
		at := start.Add(from * time.Minute)
		return meter.Reading{
			Interval: meter.Interval{Start: at, End: at.Add(minutes * time.Minute)}, Watts: watts, Quality: q, Source: source,
		}
	}
	missing := func(from, minutes time.Duration) meter.Reading {
		r := reading(from, minutes, 0, 0, "")
		r.Missing = true
		return r
	}
	tests := map[string]struct {
		readings []meter.Reading
		want     string
	}{
		"one run": {
			[]meter.Reading{reading(0, 30, 160, meter.Raw, "a"), missing(30, 30), reading(60, 30, 142, meter.Raw, "a")},
			`[{"o":0,"s":1800,"q":"raw","src":"a","w":[160,null,142]}]`,
		},
		"a hole at the start": {
			[]meter.Reading{missing(0, 30), missing(30, 30), reading(60, 30, 0, meter.Corrected, "a")},
			`[{"o":0,"s":1800,"q":"corrected","src":"a","w":[null,null,0]}]`,
		},
		"another quality, source and step": {
			[]meter.Reading{
				reading(0, 30, 1, meter.Raw, "a"), reading(30, 30, 2, meter.Corrected, "a"),
				reading(60, 30, 3, meter.Corrected, `b"`), reading(90, 10, 4, meter.Corrected, `b"`), missing(100, 20),
			},
			`[{"o":0,"s":1800,"q":"raw","src":"a","w":[1]},{"o":1800,"s":1800,"q":"corrected","src":"a","w":[2]},` +
				`{"o":3600,"s":1800,"q":"corrected","src":"b\"","w":[3]},{"o":5400,"s":600,"q":"corrected","src":"b\"","w":[4]},` +
				`{"o":6000,"s":1200,"w":[null]}]`,
		},
		"a gap that is not said": {
			[]meter.Reading{reading(0, 30, 1, meter.Raw, "a"), reading(60, 30, 2, meter.Raw, "a")},
			`[{"o":0,"s":1800,"q":"raw","src":"a","w":[1]},{"o":3600,"s":1800,"q":"raw","src":"a","w":[2]}]`,
		},
		"nothing": {nil, `[]`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			text, err := encodeCurve(meter.DayValues{Day: yesterday, Readings: tt.readings})
			require.NoError(t, err)
			require.Equal(t, tt.want, text)
			back, err := decodeCurve(start, text)
			require.NoError(t, err)
			require.Equal(t, tt.readings, back)
		})
	}
}

func TestCurvesComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := meter.DayValues{Day: rapid.SampledFrom([]meter.Day{
			meter.NewDay(2026, time.March, 29), meter.NewDay(2026, time.October, 25), yesterday,
		}).Draw(t, "day")}
		for at := v.Day.Start(); at.Before(v.Day.End()); {
			step := rapid.SampledFrom([]time.Duration{1, 599, 600, 1800, 3600}).Draw(t, "step") * time.Second
			if step < time.Minute && rapid.IntRange(0, 9).Draw(t, "rarely") > 0 {
				continue
			}
			r := meter.Reading{Interval: meter.Interval{Start: at, End: at.Add(step)}, Missing: rapid.Bool().Draw(t, "missing")}
			if !r.Missing {
				r.Watts = rapid.Int64().Draw(t, "watts")
				r.Quality = rapid.SampledFrom([]meter.Quality{meter.Computed, meter.Raw, meter.Corrected}).Draw(t, "quality")
				r.Source = rapid.String().Draw(t, "source")
			}
			v.Readings = append(v.Readings, r)
			at = r.End
		}
		text, err := encodeCurve(v)
		require.NoError(t, err)
		back, err := decodeCurve(v.Day.Start(), text)
		require.NoError(t, err)
		require.Equal(t, v.Readings, back)
	})
}

func FuzzDecodeCurve(f *testing.F) {
	f.Add(`[{"o":0,"s":1800,"q":"raw","src":"a","w":[160,null,142]}]`)
	f.Add(`[{"o":0,"s":1800,"w":[null]}]`)
	f.Fuzz(func(t *testing.T, text string) {
		readings, err := decodeCurve(yesterday.Start(), text)
		if err != nil {
			return
		}
		for _, r := range readings {
			require.True(t, !r.Missing || r.Watts == 0)
		}
	})
}
