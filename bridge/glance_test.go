package bridge_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMeterIsThatOfTheOverview(t *testing.T) {
	inWorld(t, paris(2026, 11, 22, 12, 0), selfConsumer(), func(w *world) {
		w.green()
		overview, meters, err := w.bridge.Overview(w.t.Context())
		require.NoError(w.t, err)
		require.Equal(w.t, overview, w.bridge.Status())
		for _, m := range meters {
			one, ok, err := w.bridge.Meter(w.t.Context(), m.PRM)
			require.NoError(w.t, err)
			require.True(w.t, ok)
			require.Equal(w.t, m, one)
		}
		_, ok, err := w.bridge.Meter(w.t.Context(), "00000000000000")
		require.NoError(w.t, err)
		require.False(w.t, ok)
	})
}
