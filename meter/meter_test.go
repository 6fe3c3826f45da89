package meter_test

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestParsePRM(t *testing.T) {
	prm, err := meter.ParsePRM("09876543210987")
	require.NoError(t, err)
	require.Equal(t, meter.PRM("09876543210987"), prm, "a leading zero stays")
	require.Equal(t, "…0987", prm.Short())
	require.Equal(t, "0987", prm.Tail())
	for name, s := range map[string]string{
		"nothing":            "",
		"13 digits":          "9876543210987",
		"15 digits":          "098765432109876",
		"a letter":           "0987654321098O",
		"a space":            " 9876543210987",
		"a sign":             "+9876543210987",
		"Arabic-Indic digit": "٠987654321098",
		"14 bytes, 7 runes":  "٠٠٠٠٠٠٠",
	} {
		_, err := meter.ParsePRM(s)
		require.EqualError(t, err, "a PRM has exactly 14 digits", name)
	}
	require.Equal(t, "…", meter.PRM("").Short())
}

func TestLogsShowFourDigitsOfAPRM(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("round", "prm", meter.PRM("09876543210987"), "series", meter.Series{
		PRM: "09876543210987", Direction: meter.Consumption, Measure: meter.LoadCurve,
	})
	require.NotContains(t, out.String(), "09876543210987")
	require.Contains(t, out.String(), `"prm":"…0987"`)
	require.Contains(t, out.String(), `"series":"…0987/consumption/load_curve"`)
}

func TestWordsOfTheField(t *testing.T) {
	for _, d := range meter.Directions() {
		parsed, err := meter.ParseDirection(string(d))
		require.NoError(t, err)
		require.Equal(t, d, parsed)
		for _, m := range meter.Measures(d) {
			parsed, err := meter.ParseMeasure(string(m))
			require.NoError(t, err)
			require.Equal(t, m, parsed)
		}
	}
	require.NotContains(t, meter.Measures(meter.Production), meter.MaxPower)
	require.Equal(t, meter.Daily, meter.Measures(meter.Consumption)[0], "the cheapest comes first")
	_, err := meter.ParseDirection("both")
	require.EqualError(t, err, `direction "both": want consumption or production`)
	_, err = meter.ParseMeasure("power")
	require.EqualError(t, err, `measure "power": want daily, load_curve, max_power or register`)
}
