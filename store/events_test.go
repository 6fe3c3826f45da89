package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestEventsAreEveryRevisionOfACurve(t *testing.T) {
	s := open(t, t.TempDir())
	event := func(series meter.Series, revision int64, v meter.DayValues, former ...meter.DayValues) Event {
		e := Event{Stored: Stored{DayValues: utc(v), Series: series, Revision: revision, StoredAt: noon}}
		if len(former) > 0 {
			f := utc(former[0])
			e.Former = &f
		}
		return e
	}
	partial := without(halfHours(yesterday, 1), 40, 41, 42)
	merge(t, s, curve, partial, halfHours(yesterday-1, 2)) // 1: the day before, 2
	merge(t, s, daily, value(yesterday, 9))                // 3, of no interest
	merge(t, s, otherCurve, halfHours(yesterday, 4))       // 4
	merge(t, s, curve, halfHours(yesterday, 1))            // 5, after 2
	merge(t, s, curve, halfHours(yesterday, 6))            // 6, after 5
	want := []Event{
		event(curve, 1, halfHours(yesterday-1, 2)),
		event(curve, 2, partial),
		event(otherCurve, 4, halfHours(yesterday, 4)),
		event(curve, 5, halfHours(yesterday, 1), partial),
		event(curve, 6, halfHours(yesterday, 6), halfHours(yesterday, 1)),
	}
	all, err := s.Events(t.Context(), 0, 100)
	require.NoError(t, err)
	require.Equal(t, want, all)

	var paged []Event
	for after := int64(0); ; {
		page, err := s.Events(t.Context(), after, 2)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		paged = append(paged, page...)
		after = page[len(page)-1].Revision
	}
	require.Equal(t, want, paged)
}

func TestCursor(t *testing.T) {
	s := open(t, t.TempDir())
	for _, position := range []int64{0, 7, 9} {
		if position > 0 {
			require.NoError(t, s.SetCursor(t.Context(), "readings", position))
		}
		got, err := s.Cursor(t.Context(), "readings")
		require.NoError(t, err)
		require.Equal(t, position, got)
	}
	other, err := s.Cursor(t.Context(), "statistics")
	require.NoError(t, err)
	require.Zero(t, other)
}
