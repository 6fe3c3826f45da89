package files_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/files"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// options are those of an import, of which nothing is said but the names of sources.
var options = files.Options{Sources: []string{"dataconnect", "consoapi", "myelectricaldata", "sge"}}

// write puts a file into a folder of the test.
func write(tb testing.TB, name string, content []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	require.NoError(tb, os.WriteFile(path, content, 0o600))
	return path
}

// read gives all days of a file by series, in the order of the file.
func read(tb testing.TB, path string, o files.Options) (map[meter.Series][]meter.DayValues, *files.File) {
	tb.Helper()
	file, err := files.Open(path, o)
	require.NoError(tb, err)
	days, err := walk(tb, file)
	require.NoError(tb, err)
	return days, file
}

func walk(tb testing.TB, file *files.File) (map[meter.Series][]meter.DayValues, error) {
	tb.Helper()
	days := make(map[meter.Series][]meter.DayValues)
	err := file.Walk(tb.Context(), func(b files.Batch) error {
		require.NotEmpty(tb, b.Days)
		days[b.Series] = append(days[b.Series], b.Days...)
		return nil
	})
	return days, err
}

// fault is what Open or Walk says of a file.
func fault(tb testing.TB, path string, o files.Options) error {
	tb.Helper()
	file, err := files.Open(path, o)
	if err != nil {
		return err
	}
	_, err = walk(tb, file)
	return err
}

const prm = "99900000000014"

func series(d meter.Direction, m meter.Measure) meter.Series {
	return meter.Series{PRM: prm, Direction: d, Measure: m}
}

func day(tb testing.TB, text string) meter.Day {
	tb.Helper()
	d, err := meter.ParseDay(text)
	require.NoError(tb, err)
	return d
}

// oracle is the right answer to all files of one invented meter.
type oracle struct {
	Power []struct {
		Start   time.Time `json:"start"`
		Seconds int64     `json:"seconds"`
		Value   int64     `json:"value"`
	} `json:"active_power_W"`
	Energy []struct {
		Start time.Time `json:"start"`
		Value int64     `json:"value"`
	} `json:"daily_energy_Wh"`
	Peaks []struct {
		Day   meter.Day `json:"day"`
		At    time.Time `json:"at"`
		Value int64     `json:"value"`
	} `json:"max_power_VA"`
}

func readOracle(tb testing.TB) (o oracle) {
	tb.Helper()
	text, err := os.ReadFile("testdata/expected.json")
	require.NoError(tb, err)
	require.NoError(tb, json.Unmarshal(text, &o))
	require.NotEmpty(tb, o.Power)
	return o
}

// curve is the oracle's, without the slots that a file lacks.
func (o oracle) curve(missing ...string) []meter.DayValues {
	var readings []meter.Reading
	for _, p := range o.Power {
		if slices.Contains(missing, p.Start.UTC().Format(time.RFC3339)) {
			continue
		}
		readings = append(readings, meter.Reading{
			Interval: meter.Interval{Start: p.Start.UTC(), End: p.Start.UTC().Add(time.Duration(p.Seconds) * time.Second)},
			Watts:    p.Value, Quality: meter.Raw, Source: files.Source,
		})
	}
	days, _ := meter.Curve(meter.Days{From: 0, To: 40000}, readings)
	return days
}

func (o oracle) daily() (days []meter.DayValues) {
	for _, e := range o.Energy {
		days = append(days, meter.DayValues{
			Day: meter.DayOf(e.Start), Source: files.Source, Quality: meter.Raw, Value: e.Value,
		})
	}
	return days
}

func TestDownloadsOfTheAccountAgreeWithEachOther(t *testing.T) {
	o := readOracle(t)
	curve := series(meter.Consumption, meter.LoadCurve)
	for name, want := range map[string]struct {
		format  files.Format
		missing []string
		options files.Options
	}{
		prm + "_Export_courbe_de_charge_Consommation_28032026-30032026.xlsx": {format: files.AccountSheet},
		"historique_conso_" + prm + "_20260331.csv":                          {format: files.ConsoTable, missing: []string{"2026-03-29T23:30:00Z"}},
		"xlsx-hourly-as-text.csv": {
			format: files.AccountText, options: files.Options{PRM: prm, Direction: meter.Consumption},
		},
	} {
		t.Run(name, func(t *testing.T) {
			days, file := read(t, filepath.Join("testdata", name), want.options)
			require.Equal(t, want.format, file.Format)
			require.Equal(t, map[meter.Series][]meter.DayValues{curve: o.curve(want.missing...)}, days)
			var left []files.Left
			if n := len(want.missing); n > 0 {
				left = []files.Left{{Count: n, Why: "places where the file says that there is no value"}}
			}
			require.Equal(t, left, file.LeftOut())
		})
	}
}

func TestWorkbookOfDailyEnergies(t *testing.T) {
	days, _ := read(t, "testdata/"+prm+"_Export_energie_Consommation-Production_28032026-31032026.xlsx", options)
	require.Equal(t, readOracle(t).daily(), days[series(meter.Consumption, meter.Daily)])
	require.Equal(t, []meter.DayValues{
		{Day: day(t, "2026-03-28"), Source: files.Source, Quality: meter.Raw, Value: 3200},
		{Day: day(t, "2026-03-30"), Source: files.Source, Quality: meter.Raw, Value: 0},
	}, days[series(meter.Production, meter.Daily)], "a production of nothing is a value")
}

func TestOlderTextOfIndexesAndPeaks(t *testing.T) {
	o := readOracle(t)
	days, file := read(t, "testdata/Enedis_Conso_Jour_20260328-20260331_"+prm+".csv", options)
	require.Equal(t, files.AccountText, file.Format)
	require.Equal(t, o.daily(), days[series(meter.Consumption, meter.Daily)])
	var peaks []meter.DayValues
	for _, p := range o.Peaks {
		peaks = append(peaks, meter.DayValues{
			Day: p.Day, Source: files.Source, Quality: meter.Raw, Value: p.Value, At: p.At.UTC(),
		})
	}
	require.Equal(t, peaks, days[series(meter.Consumption, meter.MaxPower)])
	require.Len(t, days, 2)
}

// The older text of a curve has hours on its first day, one of them empty, and half hours from then on.
func TestOlderTextOfACurveThatChangesItsStep(t *testing.T) {
	days, _ := read(t, "testdata/Enedis_Conso_Heure_20260328-20260330_"+prm+".csv", options)
	got := days[series(meter.Consumption, meter.LoadCurve)]
	require.Len(t, got, 3)
	require.Equal(t, readOracle(t).curve()[1:], got[1:])
	require.Len(t, got[0].Readings, 24)
	missing := 0
	for _, r := range got[0].Readings {
		require.EqualValues(t, 3600, r.Seconds())
		if r.Missing {
			missing++
		}
	}
	require.Equal(t, 1, missing)
	require.EqualValues(t, 1217, got[0].Readings[0].Watts)
}

// sheets makes a workbook with texts in its cells.
func sheets(tb testing.TB, name string, rows ...[]string) []byte {
	tb.Helper()
	var sheet strings.Builder
	sheet.WriteString(`<worksheet><sheetData>`)
	for _, row := range rows {
		sheet.WriteString("<row>")
		for _, cell := range row {
			sheet.WriteString(`<c t="inlineStr"><is><t>` + cell + `</t></is></c>`)
		}
		sheet.WriteString("</row>")
	}
	sheet.WriteString(`</sheetData></worksheet>`)
	return archive(tb, map[string]string{
		"xl/workbook.xml": `<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>` +
			`<sheet name="` + name + `" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId1" Target="/xl/worksheets/sheet1.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml":   sheet.String(),
	})
}

func archive(tb testing.TB, parts map[string]string) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, content := range parts {
		part, err := w.Create(name)
		require.NoError(tb, err)
		_, err = part.Write([]byte(content))
		require.NoError(tb, err)
	}
	require.NoError(tb, w.Close())
	return out.Bytes()
}

// changes are the days on which the clocks change, and an ordinary one.
var changes = []string{"2025-03-30", "2025-10-26", "2026-03-29", "2026-10-25", "2026-11-21"}

// whole is a curve day whose slots have each a value of their own.
func whole(d meter.Day, step time.Duration) meter.DayValues {
	v := meter.DayValues{Day: d, Source: files.Source, Quality: meter.Raw}
	for at, watts := d.Start().UTC(), int64(100); at.Before(d.End()); at, watts = at.Add(step), watts+10 {
		v.Readings = append(v.Readings, meter.Reading{
			Interval: meter.Interval{Start: at, End: at.Add(step)}, Watts: watts, Quality: meter.Raw, Source: files.Source,
		})
	}
	return v
}

// Each way in which a day of a clock change is written is read with its exact instants.
func TestDaysOfAClockChange(t *testing.T) {
	for _, date := range changes {
		for _, step := range []time.Duration{10 * time.Minute, 30 * time.Minute, time.Hour} {
			want := whole(day(t, date), step)
			local := func(at time.Time, layout string) string { return at.In(meter.Paris()).Format(layout) }
			account := "Début;Fin;Valeur (en kW)\n"
			conso := "debut;fin;kW\n"
			text := "Identifiant PRM;Type de donnees;Grandeur metier;Unite\n" + prm +
				";Courbe de charge;Consommation;W\nHorodate;Valeur\n"
			newestFirst := ""
			for _, r := range want.Readings {
				value := decimal(r.Watts)
				end := local(r.End, "02/01/2006 15:04:05")
				printed, err := time.Parse("02/01/2006 15:04:05", end)
				require.NoError(t, err)
				line := printed.Add(-step).Format("02/01/2006 15:04:05") + ";" + end + ";" + value + "\n"
				account += line
				newestFirst = line + newestFirst
				conso += local(r.Start, "2006-01-02T15:04") + ";" + local(r.End, "2006-01-02T15:04") + `;"` + value + "\"\n"
				text += local(r.End, time.RFC3339) + ";" + watts(r.Watts) + "\n"
			}
			for name, content := range map[string]string{
				"account": account, "account, the newest first": "Début;Fin;Valeur (en kW)\n" + newestFirst,
				"conso": conso, "older text": text,
			} {
				path := write(t, "conso_"+prm+".csv", []byte(content))
				days, file := read(t, path, options)
				require.Equal(t, []meter.DayValues{want}, days[series(meter.Consumption, meter.LoadCurve)], "%s of %s in %s", name, date, step)
				require.Empty(t, file.LeftOut())
			}
		}
	}
}
