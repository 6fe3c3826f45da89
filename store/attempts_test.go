package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

var lastWeek = meter.Days{From: yesterday - 6, To: yesterday + 1}

// begunAs is the attempt of these tests while it has no end, for the n-th time in a row.
func begunAs(n int) Attempt {
	return Attempt{Source: dataconnect, Series: curve, Days: lastWeek, At: noon, Lost: n}
}

func begun(t *testing.T, s *Store) Attempt {
	t.Helper()
	a, err := s.Begin(t.Context(), Attempt{Source: dataconnect, Series: curve, Days: lastWeek})
	require.NoError(t, err)
	return a
}

func TestAnAttemptIsRememberedFromBeforeItsCall(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), dir, options())
	require.NoError(t, err)
	require.Equal(t, begunAs(1), begun(t, s))
	require.NoError(t, s.Close())

	s = open(t, dir)
	attempts, err := s.Attempts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []Attempt{begunAs(1)}, attempts)
	require.Equal(t, begunAs(2), begun(t, s), "it began twice without an end")
	require.Equal(t, begunAs(3), begun(t, s))

	ended := begunAs(3)
	ended.Outcome, ended.NotBefore, ended.Code, ended.Detail = NoData, noon.Add(time.Hour), "no_data_found", "rien"
	_, err = s.End(t.Context(), ended, Answer{})
	require.NoError(t, err)
	attempts, err = s.Attempts(t.Context())
	require.NoError(t, err)
	ended.EndedAt, ended.Lost = noon, 0
	require.Equal(t, []Attempt{ended}, attempts)

	require.Equal(t, begunAs(1), begun(t, s), "its end has reset the count")
}

func TestAttemptsAreApart(t *testing.T) {
	s := open(t, t.TempDir())
	begun(t, s)
	others := []Attempt{
		{Source: "sge", Series: curve, Days: lastWeek},
		{Source: dataconnect, Series: daily, Days: lastWeek},
		{Source: dataconnect, Series: curve, Days: meter.Days{From: lastWeek.From - 1, To: lastWeek.To}},
		{Source: dataconnect, Series: curve, Days: meter.Days{From: lastWeek.From, To: lastWeek.To + 1}},
	}
	for _, a := range others {
		a, err := s.Begin(t.Context(), a)
		require.NoError(t, err)
		require.Equal(t, 1, a.Lost)
	}
	attempts, err := s.Attempts(t.Context())
	require.NoError(t, err)
	require.Len(t, attempts, 1+len(others))
}

func TestTheEndOfAnAttemptBringsItsDays(t *testing.T) {
	tests := map[string]struct {
		outcome Outcome
		asked   bool
	}{
		"an answer":         {Answered, true},
		"an answer without": {NoData, true},
		"a refusal":         {Refused, false},
		"a failure":         {SourceDown, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir())
			a := begun(t, s)
			a.Outcome = tt.outcome
			merged, err := s.End(t.Context(), a, Answer{Days: []meter.DayValues{halfHours(yesterday-1, 5)}, Rank: byLength})
			require.NoError(t, err)
			require.Equal(t, []int64{1}, revisions(merged))
			coverage, err := s.CoverageOf(t.Context(), curve)
			require.NoError(t, err)
			require.True(t, coverage.Complete(yesterday-1))
			for d := range lastWeek.All() {
				require.Equal(t, tt.asked, coverage.Asked(d))
			}
			require.False(t, coverage.Asked(lastWeek.To))
		})
	}
}

func TestAnEndWithoutABeginning(t *testing.T) {
	s := open(t, t.TempDir())
	a := Attempt{Source: "file", Series: daily, Days: lastWeek, At: noon, EndedAt: noon.Add(time.Second), Outcome: Answered}
	_, err := s.End(t.Context(), a, Answer{})
	require.NoError(t, err)
	attempts, err := s.Attempts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []Attempt{a}, attempts)
}

func TestOldAttemptsAreForgotten(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), dir, options())
	require.NoError(t, err)
	begun(t, s)
	clock := noon.Add(39 * 24 * time.Hour)
	s.now = func() time.Time { return clock }
	recent, err := s.Begin(t.Context(), Attempt{Source: "sge", Series: curve, Days: lastWeek})
	require.NoError(t, err)
	attempts, err := s.Attempts(t.Context())
	require.NoError(t, err)
	require.Len(t, attempts, 2)

	clock = clock.Add(25 * time.Hour)
	latest, err := s.Begin(t.Context(), Attempt{Source: "sge", Series: daily, Days: lastWeek})
	require.NoError(t, err)
	attempts, err = s.Attempts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []Attempt{recent, latest}, attempts, "forgotten while running")
	require.NoError(t, s.Close())

	o := options()
	o.Now = func() time.Time { return latest.At.Add(attemptsKept) }
	s, err = Open(t.Context(), dir, o)
	require.NoError(t, err)
	attempts, err = s.Attempts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []Attempt{latest}, attempts, "forgotten at the start")
	require.NoError(t, s.Close())
}

func TestReleaseLetsBeRepeatedWhatAConsentMayMend(t *testing.T) {
	held := noon.Add(24 * time.Hour)
	released := map[Outcome]bool{NoConsent: true, BadSettings: true, WrongDirection: true}
	outcomes := []Outcome{
		Answered, NoData, Refused, WrongDirection, NotCollected, NoConsent, BadSettings, OverQuota, SourceDown,
	}
	tests := map[string]struct {
		prm  meter.PRM
		also meter.PRM // the meter beside it that is released as well
	}{
		"of one meter":  {prm: curve.PRM},
		"of all meters": {prm: "", also: otherCurve.PRM},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir())
			var want []Attempt
			for i, outcome := range outcomes {
				for _, series := range []meter.Series{curve, otherCurve} {
					for _, source := range []string{dataconnect, "consoapi"} {
						a := Attempt{
							Source: source, Series: series, Days: meter.Days{From: yesterday - meter.Day(i), To: yesterday},
							At: noon.Add(time.Duration(len(want)) * time.Second), EndedAt: noon, Outcome: outcome, NotBefore: held,
							Code: "ADAM-ERR0061", Detail: "rien",
						}
						_, err := s.End(t.Context(), a, Answer{})
						require.NoError(t, err)
						if source == dataconnect && (series == curve || series.PRM == tt.also) && released[outcome] {
							a.NotBefore = time.Time{}
						}
						want = append(want, a)
					}
				}
			}
			require.NoError(t, s.Release(t.Context(), dataconnect, tt.prm))
			attempts, err := s.Attempts(t.Context())
			require.NoError(t, err)
			require.Equal(t, want, attempts)
		})
	}
}
