package bridge

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

func openStore(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dir, store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return s
}

func TestGateKeepsTheBudgetAcrossRestarts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		traits := enedis.Traits{Rate: 4, Limits: []enedis.Limit{{Window: time.Hour, Scope: enedis.ScopeAPI, Calls: 3}}}
		start := time.Now()
		for i := range 3 {
			kept := openStore(t, dir)
			ledger, err := NewLedger(t.Context(), kept, time.Time{}, time.Now)
			require.NoError(t, err)
			ledger.Limit("s", traits)
			require.NoError(t, ledger.Gate("s")(t.Context(), enedis.Call{API: "api"}), "call %d", i)
			require.NoError(t, kept.Close())
			time.Sleep(time.Minute) // of the bubble, as all sleeps here
		}
		kept := openStore(t, dir)
		defer func() { require.NoError(t, kept.Close()) }()
		ledger, err := NewLedger(t.Context(), kept, time.Time{}, time.Now)
		require.NoError(t, err)
		ledger.Limit("s", traits)
		err = ledger.Gate("s")(t.Context(), enedis.Call{API: "api"})
		require.ErrorIs(t, err, enedis.ErrBudget)
		var spent *enedis.BudgetError
		require.ErrorAs(t, err, &spent)
		require.WithinDuration(t, start.Add(time.Hour), spent.Until, time.Millisecond, "when the oldest call leaves the window")
		require.NoError(t, ledger.Gate("s")(t.Context(), enedis.Call{API: "other"}), "each API has a budget of its own")

		budgets := ledger.Budgets("s")
		require.Len(t, budgets, 2)
		require.Equal(t, "api", budgets[0].Scope, "the one with the least left comes first")
		require.Equal(t, 3, budgets[0].Calls)

		time.Sleep(58 * time.Minute) // of the bubble
		require.NoError(t, ledger.Gate("s")(t.Context(), enedis.Call{API: "api"}))
	})
}

func TestGateKeepsTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept := openStore(t, t.TempDir())
		defer func() { require.NoError(t, kept.Close()) }()
		ledger, err := NewLedger(t.Context(), kept, time.Time{}, time.Now)
		require.NoError(t, err)
		ledger.Limit("s", enedis.Traits{Rate: 4.5})
		start := time.Now()
		for range 10 {
			require.NoError(t, ledger.Gate("s")(t.Context(), enedis.Call{API: "api"}))
		}
		require.InDelta(t, 2.0, time.Since(start).Seconds(), 0.01, "9 distances of 1/4.5 s")
	})
}

func TestNoCallBeforeTheProgramWasBuilt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kept := openStore(t, t.TempDir())
		defer func() { require.NoError(t, kept.Close()) }()
		ledger, err := NewLedger(t.Context(), kept, time.Now().Add(time.Hour), time.Now)
		require.NoError(t, err)
		err = ledger.Gate("s")(t.Context(), enedis.Call{API: "api"})
		require.Equal(t, enedis.FixSettings, enedis.ActionOf(err))
		time.Sleep(time.Hour) // of the bubble
		require.NoError(t, ledger.Gate("s")(t.Context(), enedis.Call{API: "api"}))
	})
}

func TestRest(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		interval time.Duration
		n        int
		lasting  time.Duration // what the source's budget wants
		want     time.Duration
	}{
		"the first":                 {30 * time.Minute, 1, 0, 30 * time.Second},
		"doubled":                   {30 * time.Minute, 3, 0, 2 * time.Minute},
		"up to the retry interval":  {30 * time.Minute, 20, 0, 30 * time.Minute},
		"a shorter retry interval":  {time.Second, 1, 0, time.Second},
		"and it stays there":        {time.Second, 9, 0, time.Second},
		"as its budget wants":       {time.Second, 4, time.Minute, 8 * time.Second},
		"and no longer":             {time.Second, 20, time.Minute, time.Minute},
		"no overflow after a month": {30 * time.Minute, 2000, 0, 30 * time.Minute},
	}
	for name, test := range tests {
		require.Equal(t, test.want, Schedule{RetryInterval: test.interval}.rest(test.n, test.lasting), name)
	}
}
