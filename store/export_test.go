package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// always are all days.
var always = meter.Days{From: 0, To: meter.NewDay(9999, time.January, 1)}

// exported collects what an export walks.
func exported(tb testing.TB, s *Store, series meter.Series, run meter.Days) []Stored {
	tb.Helper()
	var days []Stored
	for d, err := range s.Export(tb.Context(), series, run) {
		require.NoError(tb, err)
		days = append(days, d)
	}
	return days
}

func TestExportGivesEachDayAsItIsStored(t *testing.T) {
	s := open(t, t.TempDir())
	var days []meter.DayValues
	for d := yesterday - 2*atATime; d <= yesterday; d++ { // more than two queries' worth
		days = append(days, without(halfHours(d, int64(d)), 3))
	}
	changed := merge(t, s, curve, days...).Changed
	merge(t, s, otherCurve, halfHours(yesterday, 1))

	all := exported(t, s, curve, always)
	require.Len(t, all, len(days))
	for i, d := range all {
		require.Equal(t, utc(changed[i].DayValues), utc(d.DayValues))
		require.Equal(t, changed[i].Revision, d.Revision)
		require.Equal(t, noon, d.StoredAt)
		require.Equal(t, curve, d.Series)
	}
	few := exported(t, s, curve, meter.Days{From: yesterday - 2, To: yesterday})
	require.Len(t, few, 2)
	require.Equal(t, yesterday-2, few[0].Day)
	require.Empty(t, exported(t, s, daily, always))
}

func TestExportEndsWhenNobodyWantsMore(t *testing.T) {
	s := open(t, t.TempDir())
	merge(t, s, daily, value(yesterday-1, 1), value(yesterday, 2))
	for d, err := range s.Export(t.Context(), daily, always) {
		require.NoError(t, err)
		require.Equal(t, yesterday-1, d.Day)
		break
	}
}

func TestCount(t *testing.T) {
	s := open(t, t.TempDir())
	for d := yesterday - 59; d <= yesterday; d++ {
		merge(t, s, daily, value(d, 1))
	}
	merge(t, s, otherCurve, halfHours(yesterday, 1))
	tests := map[string]struct {
		of   Selection
		run  meter.Days
		want int64
	}{
		"everything":              {run: always, want: 61},
		"a run within months":     {run: meter.Days{From: yesterday - 40, To: yesterday}, want: 40},
		"a run before everything": {run: meter.Days{From: 0, To: 100}},
		"of a meter":              {of: Selection{PRMs: []meter.PRM{otherCurve.PRM}}, run: always, want: 1},
		"of a direction":          {of: Selection{Directions: []meter.Direction{meter.Consumption}}, run: always, want: 60},
		"of a measure":            {of: Selection{Measures: []meter.Measure{meter.LoadCurve, meter.MaxPower}}, run: always, want: 1},
		"of nobody":               {of: Selection{PRMs: []meter.PRM{"00000000000000"}}, run: always},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			n, err := s.Count(t.Context(), tc.of, tc.run)
			require.NoError(t, err)
			require.Equal(t, tc.want, n)
		})
	}
}

// wants writes what is kept of a meter that has one direction.
func wants(tb testing.TB, s *Store, prm meter.PRM, direction meter.Direction, activation, first meter.Day) {
	tb.Helper()
	for _, statement := range []string{
		fmt.Sprintf(`INSERT INTO meters (prm, first_seen) VALUES ('%s', 1) ON CONFLICT DO NOTHING`, prm),
		fmt.Sprintf(`INSERT INTO directions (prm, direction, standing, how, activation) VALUES ('%s', '%s', 'exists', 'contract', %d)`,
			prm, direction, toDay(activation)),
		fmt.Sprintf(`INSERT INTO wanted (prm, measure, first_day) VALUES ('%s', 'daily', %d), ('%[1]s', 'max_power', %[2]d)`,
			prm, toDay(first)),
	} {
		_, err := s.writer.ExecContext(tb.Context(), statement)
		require.NoError(tb, err, statement)
	}
}

func TestKeptListsWhatIsThereAndWhatIsWanted(t *testing.T) {
	s := open(t, t.TempDir())
	wants(t, s, daily.PRM, meter.Consumption, yesterday-10, yesterday-20)
	wants(t, s, otherCurve.PRM, meter.Production, 0, yesterday-5)
	merge(t, s, curve, halfHours(yesterday, 1))
	merge(t, s, daily, value(yesterday, 1))
	merge(t, s, meter.Series{PRM: daily.PRM, Direction: meter.Consumption, Measure: meter.Register}, value(yesterday, 1))
	all, err := s.Kept(t.Context(), Selection{})
	require.NoError(t, err)
	require.Equal(t, []Kept{
		{Series: daily, Activation: yesterday - 10, Wanted: yesterday - 20},
		{Series: curve, Activation: yesterday - 10},
		{Series: maxPower, Activation: yesterday - 10, Wanted: yesterday - 20},
		{Series: meter.Series{PRM: otherCurve.PRM, Direction: meter.Production, Measure: meter.Daily}, Wanted: yesterday - 5},
	}, all)
	some, err := s.Kept(t.Context(), Selection{Measures: []meter.Measure{meter.LoadCurve}})
	require.NoError(t, err)
	require.Equal(t, []Kept{{Series: curve, Activation: yesterday - 10}}, some)
}

func TestLedger(t *testing.T) {
	s := open(t, t.TempDir())
	merge(t, s, curve, without(halfHours(yesterday-3, 1), 7), halfHours(yesterday, 1))
	for _, statement := range []string{
		`UPDATE months SET asked = asked | (1 << 18) | (1 << 19) | (1 << 21)`, // 18, 19 and 21 November
		`INSERT INTO holes (series, day, asked, first_at, last_at, again_at) SELECT id, 20261118, 3, 1, 1795345200000, 1795345300000 FROM series`,
		`INSERT INTO holes (series, day, asked, first_at, last_at) SELECT id, 20261119, 9, 1, 1795345200000 FROM series`,
	} {
		_, err := s.writer.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	want := []Asked{
		{Day: yesterday - 4, Status: meter.StatusUnasked},
		{Day: yesterday - 3, Status: meter.StatusPartial, Times: 3, Last: noon, Again: noon.Add(100 * time.Second)},
		{Day: yesterday - 2, Status: meter.StatusAbsent, Times: 9, Last: noon},
		{Day: yesterday - 1, Status: meter.StatusUnasked},
		{Day: yesterday, Status: meter.StatusComplete, Times: 1},
	}
	tests := map[string]struct {
		wanted     meter.Day
		activation meter.Day
		run        meter.Days
		want       []Asked
	}{
		"from the first day wanted":                {wanted: yesterday - 4, run: meter.Days{To: yesterday + 1}, want: want},
		"from the first day there":                 {run: meter.Days{To: yesterday + 1}, want: want[1:]},
		"from the first day there, which is older": {wanted: yesterday, run: meter.Days{To: yesterday + 1}, want: want[1:]},
		"a part": {run: meter.Days{From: yesterday - 2, To: yesterday}, want: want[2:4]},
		"activated at a hole": {
			wanted: yesterday - 4, activation: yesterday - 2, run: meter.Days{To: yesterday + 1}, want: want[1:],
		},
		"activated yesterday": {
			wanted: yesterday - 4, activation: yesterday, run: meter.Days{To: yesterday + 1},
			want: []Asked{want[1], want[2], want[4]},
		},
		"before everything": {run: meter.Days{From: 0, To: 5}, want: []Asked{}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := s.Ledger(t.Context(), Kept{Series: curve, Wanted: tc.wanted, Activation: tc.activation}, tc.run)
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
	none, err := s.Ledger(t.Context(), Kept{Series: daily}, always)
	require.NoError(t, err)
	require.Empty(t, none, "nothing wanted, nothing there")
}
