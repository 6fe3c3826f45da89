package enedis_test

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestRequestShowsTheShortPRM(t *testing.T) {
	req := enedis.Request{
		PRM: prm, Direction: meter.Consumption, Measure: meter.Daily,
		Days: meter.Days{From: meter.NewDay(2026, time.November, 15), To: meter.NewDay(2026, time.November, 22)},
	}
	require.Equal(t, "…0987 consumption/daily 2026-11-15..2026-11-22", req.String())

	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("asked", "request", req)
	require.Contains(t, out.String(), "…0987")
	require.NotContains(t, out.String(), prm)
}

func TestHistoryReachesBackMonthsAndDays(t *testing.T) {
	history := enedis.History{Months: 24, Days: 14}
	require.Equal(t, "2024-11-08", history.First(meter.NewDay(2026, time.November, 22)).String())
}

func TestTraitsOffer(t *testing.T) {
	traits := enedis.Traits{Measures: map[meter.Direction][]meter.Measure{meter.Consumption: {meter.Daily}}}
	require.True(t, traits.Offers(meter.Consumption, meter.Daily))
	require.False(t, traits.Offers(meter.Consumption, meter.LoadCurve))
	require.False(t, traits.Offers(meter.Production, meter.Daily))
}
