package store

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// BenchmarkMergeYearOfCurve merges 365 curve days of 48 slots at once into a store that lacks them.
func BenchmarkMergeYearOfCurve(b *testing.B) {
	s := open(b, b.TempDir())
	year := make([]meter.DayValues, 0, 365)
	for d := range (meter.Days{From: yesterday - 364, To: yesterday + 1}).All() {
		year = append(year, halfHours(d, int64(d)))
	}
	for i := 0; b.Loop(); i++ {
		series := meter.Series{PRM: meter.PRM(fmt.Sprintf("%014d", i)), Direction: meter.Consumption, Measure: meter.LoadCurve}
		merged := merge(b, s, series, year...)
		require.Len(b, merged.Changed, 365)
	}
}

// BenchmarkEndYearOfCurve stores the same year as a source's answers do, with outcome, coverage and holes: as one answer, and as
// one for each week, in as many transactions.
func BenchmarkEndYearOfCurve(b *testing.B) {
	year := meter.Days{From: yesterday - 364, To: yesterday + 1}
	var values []meter.DayValues
	for d := range year.All() {
		values = append(values, halfHours(d, int64(d)))
	}
	for name, span := range map[string]int{"one answer": 365, "53 answers": 7} {
		b.Run(name, func(b *testing.B) {
			s := open(b, b.TempDir())
			for i := 0; b.Loop(); i++ {
				series := meter.Series{PRM: meter.PRM(fmt.Sprintf("%014d", i)), Direction: meter.Consumption, Measure: meter.LoadCurve}
				for week := range slices.Chunk(values, span) {
					a := Attempt{
						Source: "dataconnect", Series: series, Days: meter.Days{From: week[0].Day, To: week[0].Day + meter.Day(len(week))},
						At: noon, Outcome: Answered,
					}
					merged, err := s.End(b.Context(), a, Answer{Days: week, Rank: byLength})
					require.NoError(b, err)
					require.Len(b, merged.Changed, len(week))
				}
			}
		})
	}
}

// BenchmarkBareInsert17520 is the measure for BenchmarkMergeYearOfCurve: a row for each slot, written without a question.
func BenchmarkBareInsert17520(b *testing.B) {
	s := open(b, b.TempDir())
	_, err := s.writer.ExecContext(b.Context(), `CREATE TABLE bare (series INTEGER, start INTEGER, watts INTEGER,
		PRIMARY KEY (series, start)) WITHOUT ROWID`)
	require.NoError(b, err)
	for i := 0; b.Loop(); i++ {
		err := s.write(b.Context(), "bare insert", func(ctx context.Context, t *tx) error {
			for slot := range 17520 {
				if err := t.exec(ctx, `INSERT INTO bare VALUES (?, ?, ?)`, i, slot*1800, slot); err != nil {
					return err
				}
			}
			return nil
		})
		require.NoError(b, err)
	}
}

// BenchmarkStart1000Meters reads what the bridge reads of a fleet at its start: 1000 meters with 326 days of three series.
func BenchmarkStart1000Meters(b *testing.B) {
	dir := b.TempDir()
	prms := fleet(b, dir, 1000)
	for b.Loop() {
		s, err := Open(b.Context(), dir, options())
		require.NoError(b, err)
		coverage, err := s.Coverage(b.Context())
		require.NoError(b, err)
		require.Len(b, coverage, 3*len(prms))
		for _, prm := range prms {
			recent, err := s.Recent(b.Context(), prm)
			require.NoError(b, err)
			require.Len(b, recent, 3)
		}
		require.NoError(b, s.Close())
	}
}

// fleet fills a store with meters: one by merging, the others as its copies.
func fleet(b *testing.B, dir string, meters int) (prms []meter.PRM) {
	b.Helper()
	s, err := Open(b.Context(), dir, options())
	require.NoError(b, err)
	var values, curves []meter.DayValues
	for d := range (meter.Days{From: yesterday - 325, To: yesterday + 1}).All() {
		v := value(d, int64(d))
		v.At = d.Start().Add(19 * time.Hour)
		values = append(values, v)
		curves = append(curves, halfHours(d, int64(d)))
	}
	prm := func(i int) meter.PRM { return meter.PRM(fmt.Sprintf("%014d", i)) }
	merge(b, s, meter.Series{PRM: prm(0), Direction: meter.Consumption, Measure: meter.Daily}, values...)
	merge(b, s, meter.Series{PRM: prm(0), Direction: meter.Consumption, Measure: meter.MaxPower}, values...)
	merge(b, s, meter.Series{PRM: prm(0), Direction: meter.Consumption, Measure: meter.LoadCurve}, curves...)
	prms = append(prms, prm(0))
	for i := 1; i < meters; i++ {
		prms = append(prms, prm(i))
		for _, copied := range []string{
			`INSERT INTO series (id, prm, direction, measure) SELECT id + 3 * ?1, ?2, direction, measure FROM series WHERE id <= 3`,
			`INSERT INTO months SELECT series + 3 * ?1, month, present, complete, asked, total FROM months WHERE series <= 3`,
			`INSERT INTO days SELECT series + 3 * ?1, day, revision + 978 * ?1, stored_at, source, quality, complete,
				value, at, curve FROM days WHERE series <= 3`,
		} {
			_, err := s.writer.ExecContext(b.Context(), copied, i, prm(i))
			require.NoError(b, err)
		}
	}
	require.NoError(b, s.Close())
	return prms
}
