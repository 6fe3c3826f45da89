package main

import (
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/files"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant/homeassistanttest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// home is a Home Assistant with the statistic of another tool: daily sums at midnight in September 2025, hours in October, of
// which the last day lacks one.
func home(t *testing.T, id string) (env map[string]string, ha *homeassistanttest.HomeAssistant) {
	t.Helper()
	ha = homeassistanttest.New(homeassistanttest.Options{})
	var rows []homeassistanttest.Row
	sum := 0.
	add := func(start time.Time, wh float64) {
		sum += wh
		rows = append(rows, homeassistanttest.Row{Start: start, State: new(wh), Sum: new(sum)})
	}
	for d := range meter.NewDay(2025, time.September, 1).Month().All() {
		add(d.Start(), 12_000)
	}
	october := meter.NewDay(2025, time.October, 1).Month()
	for hour := october.From.Start(); hour.Before(october.To.Start().Add(-time.Hour)); hour = hour.Add(time.Hour) {
		add(hour, 500)
	}
	add(time.Now().Truncate(time.Hour), 1) // a day that is not over
	ha.Put(id, homeassistanttest.Metadata{Name: new("Linky"), Unit: new("Wh"), HasSum: true}, rows...)
	s := httptest.NewServer(ha)
	t.Cleanup(s.Close)
	return map[string]string{
		"HOMEASSISTANT_URL": s.URL, "HOMEASSISTANT_TOKEN": homeassistanttest.Token, "DATA_DIR": t.TempDir(),
	}, ha
}

// storedOf is what the store keeps of a day; nil for nothing.
func storedOf(t *testing.T, kept *store.Store, s meter.Series, day meter.Day) *meter.DayValues {
	t.Helper()
	d, ok, err := kept.Stored(t.Context(), s, day)
	require.NoError(t, err)
	if !ok {
		return nil
	}
	return &d.DayValues
}

func TestStatisticsCopy(t *testing.T) {
	const prm meter.PRM = "09876543210987"
	daily := meter.Series{PRM: prm, Direction: meter.Consumption, Measure: meter.Daily}
	curve := meter.Series{PRM: prm, Direction: meter.Consumption, Measure: meter.LoadCurve}
	env, ha := home(t, "linky:"+string(prm))
	environ(t, env)
	copyAll := func(args ...string) string {
		code, out, log := call(t, append([]string{"statistics", "copy", "--from", "linky:" + string(prm)}, args...)...)
		require.Zero(t, code, log)
		require.NotContains(t, out+log, string(prm))
		return strings.Join(strings.Fields(out), " ")
	}

	// What became of the load curve and of the daily values, by the columns of import.
	const head = "meter series days new changed same kept refused from to "
	curves := func(counts string) string {
		return "…0987 consumption/load_curve " + counts + " 2025-10-01 2025-10-31"
	}
	sums := func(counts string) string { return "…0987 consumption/daily " + counts + " 2025-09-01 2025-10-30" }

	t.Run("a dry run changes nothing", func(t *testing.T) {
		said := copyAll("--dry-run")
		require.Contains(t, said, "linky:…0987, consumption of …0987 left out: 1 days that are not over "+
			"month by the hour as a daily sum in part 2025-09 0 30 0 2025-10 30 0 1 "+head)
		require.Contains(t, said, sums("60 60 0 0 0 0"))
		require.Contains(t, said, curves("31 31 0 0 0 0"))
		require.Contains(t, said, "nothing was changed")
		files, err := os.ReadDir(env["DATA_DIR"])
		require.NoError(t, err)
		require.Empty(t, files)
	})

	t.Run("daily sums and hours are told apart", func(t *testing.T) {
		require.Contains(t, copyAll(), curves("31 31 0 0 0 0"))
		kept := openStore(t, env["DATA_DIR"])
		lump := meter.NewDay(2025, time.September, 30)
		require.Equal(t, &meter.DayValues{Day: lump, Source: "file", Quality: meter.Raw, Value: 12_000}, storedOf(t, kept, daily, lump))
		require.Nil(t, storedOf(t, kept, curve, lump))
		autumn := meter.NewDay(2025, time.October, 26)
		require.Equal(t, &meter.DayValues{Day: autumn, Source: "file", Quality: meter.Computed, Value: 12_500},
			storedOf(t, kept, daily, autumn))
		require.Len(t, storedOf(t, kept, curve, autumn).Readings, 25)
		part := meter.NewDay(2025, time.October, 31)
		require.Nil(t, storedOf(t, kept, daily, part))
		require.False(t, storedOf(t, kept, curve, part).Complete(meter.LoadCurve))
	})

	t.Run("a second time changes nothing", func(t *testing.T) {
		for range 2 {
			said := copyAll()
			require.Contains(t, said, sums("60 0 0 60 0 0"))
			require.Contains(t, said, curves("31 0 0 31 0 0"))
		}
	})

	t.Run("what is better stands", func(t *testing.T) {
		day := meter.NewDay(2025, time.October, 2)
		kept, err := store.Open(t.Context(), env["DATA_DIR"], store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		better := meter.DayValues{Day: day, Source: "dataconnect", Quality: meter.Raw, Value: 11_111}
		_, err = kept.Merge(t.Context(), daily, []meter.DayValues{better}, equals)
		require.NoError(t, err)
		halves := halfHours(day, 450)
		_, err = kept.Merge(t.Context(), curve, []meter.DayValues{halves}, equals)
		require.NoError(t, err)
		lump := meter.DayValues{Day: meter.NewDay(2025, time.September, 2), Source: "dataconnect", Quality: meter.Raw, Value: 1}
		_, err = kept.Merge(t.Context(), daily, []meter.DayValues{lump}, equals)
		require.NoError(t, err)
		require.NoError(t, kept.Close())

		said := copyAll()
		require.Contains(t, said, sums("60 0 0 58 2 0"))
		require.Contains(t, said, curves("30 0 0 30 0 0"))
		require.Contains(t, said, "Stored in finer steps, which stay: 1 days.")
		kept = openStore(t, env["DATA_DIR"])
		require.Equal(t, &better, storedOf(t, kept, daily, day))
		require.Equal(t, &lump, storedOf(t, kept, daily, lump.Day))
		require.Len(t, storedOf(t, kept, curve, day).Readings, 48)
	})

	t.Run("a running bridge is to be stopped first", func(t *testing.T) {
		openStore(t, env["DATA_DIR"])
		code, _, log := call(t, "statistics", "copy", "--from", "linky:"+string(prm))
		require.Equal(t, exitFailure, code)
		require.Contains(t, log, "stop the bridge first")
	})

	for _, command := range ha.Commands() {
		require.NotEqual(t, "recorder/import_statistics", command.Type)
	}
}

// equals ranks no source above another.
func equals(string) int { return 0 }

// halfHours is a curve day of a file, in finer steps than statistics have.
func halfHours(day meter.Day, watts int64) meter.DayValues {
	var readings []meter.Reading
	for from := day.Start(); from.Before(day.End()); from = from.Add(30 * time.Minute) {
		readings = append(readings, meter.Reading{
			Interval: meter.Interval{Start: from, End: from.Add(30 * time.Minute)}, Watts: watts, Quality: meter.Raw, Source: files.Source,
		})
	}
	days, _ := meter.Curve(meter.Days{From: day, To: day + 1}, readings)
	return days[0]
}

func TestStatisticsCopyRefuses(t *testing.T) {
	env, _ := home(t, "linky:09876543210987")
	without := func(name string) map[string]string {
		return map[string]string{name: "", "DATA_DIR": env["DATA_DIR"]}
	}
	wrongToken := map[string]string{
		"HOMEASSISTANT_URL": env["HOMEASSISTANT_URL"], "HOMEASSISTANT_TOKEN": "wrong-and-secret", "DATA_DIR": env["DATA_DIR"],
	}
	tests := map[string]struct {
		env  map[string]string
		args []string
		code int
		says string
	}{
		"no statistic":          {env, nil, exitSettings, "--from"},
		"an empty statistic":    {env, []string{"--from", ""}, exitSettings, "--from lacks an ID"},
		"only a comma":          {env, []string{"--from", ",", "--to", "09876543210987"}, exitSettings, "--from lacks an ID"},
		"a meter as on a bill":  {env, []string{"--from", "linky:no", "--to", "09 876 543 210 987"}, exitFailure, "of energy it has"},
		"a name without digits": {env, []string{"--from", "sensor.linky_energy"}, exitSettings, "give it by --to"},
		"two meters":            {env, []string{"--from", "linky:09876543210987,linky:33000000000033"}, exitSettings, "give it by --to"},
		"both directions": {
			env, []string{"--from", "linky:09876543210987,linky_prod:09876543210987"}, exitSettings, "give --direction",
		},
		"a broken PRM":       {env, []string{"--from", "linky:09876543210987", "--to", "12"}, exitSettings, "exactly 14 digits"},
		"an unknown one":     {env, []string{"--from", "linky:33000000000033"}, exitFailure, "of energy it has linky:…0987"},
		"a wrong token":      {wrongToken, []string{"--from", "linky:09876543210987"}, exitFailure, "the token is refused"},
		"no Home Assistant":  {without("HOMEASSISTANT_URL"), []string{"--from", "linky:09876543210987"}, exitSettings, "HOMEASSISTANT_URL"},
		"an unknown command": {env, []string{"--form"}, exitSettings, "--form"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			environ(t, test.env)
			code, out, log := call(t, append([]string{"statistics", "copy"}, test.args...)...)
			require.Equal(t, test.code, code, log)
			require.Contains(t, log, test.says)
			require.NotContains(t, out+log, "wrong-and-secret")
			require.NotContains(t, out+log, "09876543210987")
			files, err := os.ReadDir(env["DATA_DIR"])
			require.NoError(t, err)
			require.Empty(t, files)
		})
	}
}

func TestStatisticsCopyKnowsWhereItGoes(t *testing.T) {
	const prm = "09876543210987"
	for name, test := range map[string]struct {
		from []string
		want meter.Direction
	}{
		"consumption of ha-linky":          {[]string{"linky:" + prm}, meter.Consumption},
		"production of ha-linky":           {[]string{"linky_prod:" + prm}, meter.Production},
		"both tariffs of MyElectricalData": {[]string{"myelectricaldata:" + prm + "_hc_consumption", "myelectricaldata:" + prm + "_hp_consumption"}, meter.Consumption},
		"production of MyElectricalData":   {[]string{"myelectricaldata:" + prm + "_production"}, meter.Production},
		"what we ourselves have imported":  {[]string{"enedis2mqtt:" + prm + "_production"}, meter.Production},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := statisticsCopyCommand{From: test.from, Direction: "auto"}.series()
			require.NoError(t, err)
			require.Equal(t, meter.Series{PRM: prm, Direction: test.want}, s)
		})
	}
}
