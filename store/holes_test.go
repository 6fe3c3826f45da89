package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// countHoles remembers each hole, asked once more.
func countHoles(was Hole) (Hole, bool) {
	if was.Asked++; was.First.IsZero() {
		was.First = noon
	}
	was.Last, was.Again = noon, noon.Add(time.Hour)
	return was, true
}

func TestHolesAreRememberedUntilTheyAreFilled(t *testing.T) {
	s := open(t, t.TempDir())
	days := meter.Days{From: yesterday - 2, To: yesterday + 1}
	attempt := Attempt{Source: dataconnect, Series: daily, Days: days, At: noon, Outcome: Answered}
	answer := Answer{Days: []meter.DayValues{value(yesterday-1, 7)}, Rank: byLength, Missed: countHoles}
	for range 2 {
		_, err := s.End(t.Context(), attempt, answer)
		require.NoError(t, err)
	}
	hole := func(day meter.Day) Hole {
		return Hole{Day: day, Asked: 2, First: noon, Last: noon, Again: noon.Add(time.Hour)}
	}
	require.Equal(t, []Hole{hole(yesterday - 2), hole(yesterday)}, holesOf(t, s))

	failed := attempt
	failed.Outcome = SourceDown
	_, err := s.End(t.Context(), failed, Answer{Missed: countHoles})
	require.NoError(t, err)
	require.Equal(t, 2, holesOf(t, s)[0].Asked, "no answer tells of no hole")

	merge(t, s, daily, value(yesterday, 8))
	require.Equal(t, []Hole{hole(yesterday - 2)}, holesOf(t, s), "however it is filled")

	require.NoError(t, s.Reopen(t.Context(), daily, []meter.Day{yesterday - 2}))
	again := holesOf(t, s)[0]
	require.Zero(t, again.Asked)
	require.Equal(t, noon, again.Again)
}

func holesOf(t *testing.T, s *Store) []Hole {
	t.Helper()
	all, err := s.Holes(t.Context(), daily.PRM)
	require.NoError(t, err)
	return all[daily]
}

func TestOrdersOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), dir, options())
	require.NoError(t, err)
	want := Order{
		PRM: daily.PRM, Direction: meter.Production, Measures: []meter.Measure{meter.Daily, meter.LoadCurve},
		Days: meter.Days{From: yesterday - 100, To: yesterday}, Reply: []byte(`{"a":1}`), At: noon,
	}
	first, err := s.AddOrder(t.Context(), want)
	require.NoError(t, err)
	second, err := s.AddOrder(t.Context(), Order{PRM: daily.PRM, Days: want.Days})
	require.NoError(t, err)
	require.NoError(t, s.SetOrderDone(t.Context(), first.ID, 5))
	require.NoError(t, s.Close())
	s = open(t, dir)
	all, err := s.Orders(t.Context())
	require.NoError(t, err)
	want.ID, want.Done = first.ID, 5
	require.Equal(t, []Order{want, {ID: second.ID, PRM: daily.PRM, Days: want.Days, At: noon}}, all)
	require.NoError(t, s.DeleteOrder(t.Context(), first.ID))
	all, err = s.Orders(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
}
