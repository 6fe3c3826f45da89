package files_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/files"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const (
	conso    = "debut;fin;kW\n2026-03-28T00:00;2026-03-28T00:30;\"2,26\"\n"
	ownHead  = "prm,direction,measure,date,start_utc,start_paris,minutes,value,unit,quality,source,revision,before_activation\n"
	ownDaily = prm + ",consumption,daily,2026-03-28,2026-03-27T23:00:00Z,2026-03-28T00:00:00+01:00,1440,15496,Wh,raw,file,4,false\n"
	older    = "Identifiant PRM;Type de donnees;Grandeur metier;Unite\n" + prm + ";Courbe de charge;Consommation;W\nHorodate;Valeur\n"
)

func TestDamagedFilesNameTheLine(t *testing.T) {
	tests := map[string]struct {
		name, text string
		want       string
	}{
		"an empty file":            {"x.csv", " \n", "x.csv: the file is empty"},
		"something else":           {"x.csv", "name;age\nAnne;7\n", "this is no file that can be imported"},
		"compressed":               {"x.gz", "\x1f\x8b\x08", "unpack it first"},
		"binary":                   {"x", "abc\x00def", "this is no file that can be imported"},
		"a broken archive":         {"x.xlsx", "PK\x03\x04 and no more", "no workbook (XLSX)"},
		"a broken database":        {"x.db", "SQLite format 3\x00 and no more", "x.db: "},
		"a value that is none":     {"conso_" + prm + ".csv", conso + "2026-03-28T00:30;2026-03-28T01:00;much\n", `line 3: "much" is no number`},
		"a value below 0":          {"conso_" + prm + ".csv", conso + "2026-03-28T00:30;2026-03-28T01:00;-1\n", `line 3: "-1" is less than 0`},
		"a value beyond measure":   {"conso_" + prm + ".csv", conso + "2026-03-28T00:30;2026-03-28T01:00;1e30\n", "line 3: "},
		"a time that is none":      {"conso_" + prm + ".csv", conso + "yesterday;2026-03-28T01:00;1\n", `line 3: "yesterday" is no date and time`},
		"a year that is none":      {"conso_" + prm + ".csv", conso + "0026-03-28T00:30;0026-03-28T01:00;1\n", "line 3: 0026-03-28 is not a time of a Linky"},
		"a slot of another length": {"conso_" + prm + ".csv", conso + "2026-03-28T00:30;2026-03-28T04:00;1\n", "line 3: from 2026-03-28 00:30:00 to"},
		"a day that is cut off":    {"conso_" + prm + ".csv", conso + "2026-03-28T00:30;2026-0", "line 3: \"2026-0\" is no date and time"},
		"a very long line":         {"conso_" + prm + ".csv", conso + strings.Repeat("x", 2<<20), "line 3: it is longer than"},
		"no meter":                 {"conso.csv", conso, "the file does not say of which meter it is"},
		"two meters":               {"conso_" + prm + "_09876543210987.csv", conso, "the file does not say of which meter it is"},
		"no direction":             {prm + ".csv", conso, "whether it is consumption or production"},
		"older text, no time":      {"x.csv", older + "28/03/2026;5\n", `line 4: "28/03/2026" is no time with an offset`},
		"older text, backwards":    {"x.csv", older + "2026-03-28T01:00:00+01:00;5\n2026-03-28T00:30:00+01:00;5\n", "line 5: the times are not in order"},
		"older text, wrong PRM":    {"x.csv", "Identifiant PRM;Type de donnees\n123;Index\n", "line 2: a PRM has exactly 14 digits"},
		"own, no JSON":             {"x.jsonl", "{\"prm\":\n", "line 1: want an object of JSON"},
		"own, no PRM":              {"x.jsonl", "{}\n", "line 1: a PRM has exactly 14 digits"},
		"own, a wrong field":       {"x.jsonl", `{"prm":7}`, "line 1: "},
		"own, no value": {
			"x.jsonl", `{"prm":"` + prm + `","direction":"consumption","measure":"daily","date":"2026-03-28","source":"file","quality":"raw"}`,
			"line 1: wh is missing",
		},
		"own, a slot of another day": {
			"x.jsonl", `{"prm":"` + prm + `","direction":"consumption","measure":"load_curve","date":"2026-03-28","points":[` +
				`{"start_utc":"2026-03-29T23:00:00Z","minutes":30,"w":1,"quality":"raw","source":"file"}]}`,
			"line 1: there are slots that are not of 2026-03-28",
		},
		"own, a source of another time": {"x.csv", ownHead + strings.Replace(ownDaily, ",file,", ",oracle,", 1), `line 2: source "oracle" is not known`},
		"own, a quality of nobody":      {"x.csv", ownHead + strings.Replace(ownDaily, ",raw,", ",good,", 1), `line 2: quality "good"`},
		"own, a broken number":          {"x.csv", ownHead + ownDaily + strings.Replace(ownDaily, "15496", "15,5", 1), "line 3: "},
		"own, production has no peak":   {"x.csv", ownHead + strings.Replace(ownDaily, "consumption,daily", "production,max_power", 1), `line 2: measure "max_power"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := fault(t, write(t, test.name, []byte(test.text)), options)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), prm)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestWhatAFileDoesNotSayIsTakenFromTheOptions(t *testing.T) {
	path := write(t, "download.csv", []byte(conso))
	require.ErrorIs(t, fault(t, path, options), files.ErrNoPRM)
	require.ErrorIs(t, fault(t, path, files.Options{PRM: prm}), files.ErrNoDirection)
	days, _ := read(t, path, files.Options{PRM: prm, Direction: meter.Production})
	require.Len(t, days[series(meter.Production, meter.LoadCurve)], 1)

	other := write(t, "conso_"+prm+"_.csv", []byte(conso))
	require.EqualError(t, fault(t, other, files.Options{PRM: "09876543210987"}),
		"conso_…0014_.csv: by its name it is of the meter …0014, not of …0987: rename it if that is wrong")

	require.ErrorIs(t, fault(t, write(t, "20260328120000_conso.csv", []byte(conso)), options), files.ErrNoPRM, "that is a time")
}

// Texts that a spreadsheet has saved anew are read as well.
func TestTextsFromSpreadsheets(t *testing.T) {
	want := []meter.DayValues{{Day: day(t, "2026-03-28"), Source: files.Source, Quality: meter.Raw, Value: 15496}}
	for name, text := range map[string]string{
		"Windows-1252":          "R\xe9f\xe9rence;" + prm + "\r\nDate;Consommation (en kWh)\r\n28/03/2026;15,496\r\n",
		"UTF-8 with a mark":     "\ufeffDate;Valeur (en Wh)\n28/03/2026;15496\n",
		"commas":                "Date,Valeur (en kWh)\n2026-03-28,\"15,496\"\n",
		"tabs":                  "Date\tValeur (en kWh)\n28/03/2026 00:00:00\t15,496\n",
		"thousands and a blank": "Date;Valeur (en Wh)\n28/03/2026;15\u00a0496\n29/03/2026;NA\n;\n",
	} {
		t.Run(name, func(t *testing.T) {
			days, file := read(t, write(t, "energie_consommation.csv", []byte(text)), files.Options{PRM: prm})
			require.Equal(t, want, days[series(meter.Consumption, meter.Daily)])
			if strings.Contains(text, "NA") {
				require.Equal(t, []files.Left{{Count: 1, Why: "places where the file says that there is no value"}}, file.LeftOut())
			}
		})
	}
}

func TestWorkbooks(t *testing.T) {
	curve := series(meter.Consumption, meter.LoadCurve)
	days, file := read(t, write(t, "x.xlsx", sheets(t, "Consommation Horaire",
		[]string{"Point Référence Mesure (PRM) :", prm},
		[]string{},
		[]string{"", "Début", "Fin", "Valeur (en kW)"},
		[]string{"", "46109", "46109.0208333333", "2.2599999999999998"}, // a spreadsheet's own dates
		[]string{"", "2026-03-28 00:30:00", "2026-03-28 01:00:00", "NA"},
		[]string{"", "28/03/2026 23:30:00", "28/03/2026 23:59:59", "0.5"},
	)), options)
	require.Len(t, days[curve], 1)
	readings := present(days[curve][0])
	require.Len(t, readings, 2)
	require.EqualValues(t, 2260, readings[0].Watts)
	require.Equal(t, "2026-03-27T23:00:00Z", readings[0].Start.Format("2006-01-02T15:04:05Z07:00"))
	require.EqualValues(t, 500, readings[1].Watts)
	require.Equal(t, []files.Left{{Count: 1, Why: "places where the file says that there is no value"}}, file.LeftOut())

	require.ErrorContains(t, fault(t, write(t, "x.xlsx", sheets(t, "Page d'accueil", []string{"Bonjour"})), options),
		"no file that can be imported")
	require.ErrorContains(t, fault(t, write(t, "x.zip", archive(t, map[string]string{"a.csv": conso})), options), "unpack it first")
	err := fault(t, write(t, "x.xlsx", sheets(t, "Consommation", []string{"Date", prm}, []string{"Date", "Valeur (en kWh)"},
		[]string{"28/03/2026", "much"})), options)
	require.ErrorContains(t, err, `line 3: "much" is no number`)
}
