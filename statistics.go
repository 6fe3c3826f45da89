package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/enedis2mqtt/enedis2mqtt/files"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// statisticsCommand is what there is to do with Home Assistant's statistics by hand.
type statisticsCommand struct {
	Copy statisticsCopyCommand `cmd:"" help:"Copy what another tool has put into Home Assistant's statistics into our data."`
}

// statisticsCopyCommand reads another tool's statistics into the store. Of the settings it needs DATA_DIR and Home Assistant's
// alone.
type statisticsCopyCommand struct {
	From      []string `required:"" placeholder:"ID" help:"The statistic, as in linky:<prm>; with commas between, several that add up, such as peak and off-peak hours."`
	To        string   `placeholder:"PRM" help:"The meter; the one that the ID names unless given."`
	Direction string   `enum:"consumption,production,auto" default:"auto" help:"consumption or production; what the ID says unless given."`
	DryRun    bool     `help:"Say what would change, and change nothing."`
}

// Run copies, all of it or nothing. What is stored stays where it is better, or has finer steps.
func (c statisticsCopyCommand) Run(ctx context.Context, p *program) error {
	series, err := c.series()
	if err != nil {
		return err
	}
	ha, err := copySettings()
	if err != nil {
		return err
	}
	copied, err := c.read(ctx, ha)
	if err != nil {
		return err
	}
	all := len(copied.Days)
	today := meter.DayOf(p.now())
	copied.Days = slices.DeleteFunc(copied.Days, func(d homeassistant.CopiedDay) bool { return d.Day >= today })
	fmt.Fprintf(p.out, "%s, %s of %s\n", meter.Shortened(strings.Join(c.From, ", ")), series.Direction, series.PRM.Short())
	if early := all - len(copied.Days); early > 0 {
		fmt.Fprintf(p.out, "  left out: %d days that are not over\n", early)
	}
	if copied.Unusable > 0 {
		fmt.Fprintf(p.out, "  left out: %d rows that tell no energy of their hour\n", copied.Unusable)
	}
	if len(copied.Days) == 0 {
		return errors.New("there is no day in it")
	}
	if err := found(p.out, copied.Days); err != nil {
		return err
	}
	imports := importCommand{DryRun: c.DryRun} // this is one from elsewhere
	kept, leave, err := imports.open(ctx, p)
	if err != nil {
		return err
	}
	defer leave()
	return c.store(ctx, importer{importCommand: imports, program: p, kept: kept}, series, copied.Days)
}

// series is where the statistics go; its measure is left open.
func (c statisticsCopyCommand) series() (meter.Series, error) {
	s := meter.Series{Direction: meter.Direction(c.Direction)}
	if len(c.From) == 0 || slices.Contains(c.From, "") {
		return s, fmt.Errorf("%w: --from lacks an ID: give it as in linky:<prm>", errSettings)
	}
	named := regexp.MustCompile(`[0-9]{14}`)
	for _, id := range c.From {
		if c.To == "" {
			prm := meter.PRM(named.FindString(id))
			if prm == "" || s.PRM != "" && s.PRM != prm {
				return s, fmt.Errorf("%w: --from does not name one meter: give it by --to", errSettings)
			}
			s.PRM = prm
		}
		if c.Direction == "auto" {
			d := directionOf(id)
			if s.Direction != "auto" && s.Direction != d {
				return s, fmt.Errorf("%w: --from names statistics of both directions: give --direction", errSettings)
			}
			s.Direction = d
		}
	}
	if c.To != "" {
		prm, err := meter.ParsePRM(withoutBlanks(c.To))
		if err != nil {
			return s, fmt.Errorf("%w: --to: %w", errSettings, err)
		}
		s.PRM = prm
	}
	return s, nil
}

// directionOf is the direction that an id names: production in linky_prod:… of ha-linky and in …_production of others.
func directionOf(id string) meter.Direction {
	if strings.HasPrefix(id, "linky_prod:") || strings.Contains(id, "production") {
		return meter.Production
	}
	return meter.Consumption
}

// copySettings gives how Home Assistant is reached.
func copySettings() (ha statisticsSettings, err error) {
	env := rawEnvironment()
	var wrong problems
	readFiles(&env, &wrong)
	wrong = slices.DeleteFunc(wrong, func(err error) bool { return !strings.HasPrefix(err.Error(), "HOMEASSISTANT_TOKEN") })
	env.askSupervisor()
	if env.HomeAssistantURL == "" && env.HomeAssistantToken == "" && len(wrong) == 0 {
		wrong.add("HOMEASSISTANT_URL, HOMEASSISTANT_TOKEN", "give the address of Home Assistant and a token")
	}
	var s settings
	env.checkStatistics(&s, &wrong)
	if len(wrong) > 0 {
		return ha, fmt.Errorf("%w: %w", errSettings, errors.Join(wrong...))
	}
	return s.statistics, nil
}

func (c statisticsCopyCommand) read(ctx context.Context, ha statisticsSettings) (homeassistant.Copied, error) {
	client, err := homeassistant.Dial(ctx, ha.endpoint, string(ha.token), nil)
	if err != nil {
		return homeassistant.Copied{}, fmt.Errorf("connect to Home Assistant: %w", err)
	}
	defer func() { _ = client.Close() }() // everything is read
	return client.Copy(ctx, files.Source, c.From...)
}

// found says month by month how the days stand in the statistics.
func found(out io.Writer, days []homeassistant.CopiedDay) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	forms := []homeassistant.Form{homeassistant.ByHour, homeassistant.Lump, homeassistant.Part}
	fmt.Fprintf(table, "month\t%s\t%s\t%s\t\n", forms[0], forms[1], forms[2])
	for len(days) > 0 {
		month, n := days[0].Day.Month(), 0
		count := make(map[homeassistant.Form]int)
		for n < len(days) && month.Contains(days[n].Day) {
			count[days[n].Form]++
			n++
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t\n", month.From.MonthName(), count[forms[0]], count[forms[1]], count[forms[2]])
		days = days[n:]
	}
	return table.Flush()
}

// store brings the days into the store, curves and daily values, and says what became of them.
func (c statisticsCopyCommand) store(ctx context.Context, i importer, s meter.Series, copied []homeassistant.CopiedDay) error {
	curves, daily := s, s
	curves.Measure, daily.Measure = meter.LoadCurve, meter.Daily
	coarse, err := coarser(ctx, i.kept, curves, copied)
	if err != nil {
		return err
	}
	results, errs, err := i.kept.Import(ctx, files.Source, c.DryRun, func(merge func(meter.Series, []meter.DayValues) error) error {
		var steps, sums []meter.DayValues
		for _, d := range copied {
			if d.Form != homeassistant.Lump && !coarse[d.Day] {
				steps = append(steps, d.Curve)
			}
			if d.Form != homeassistant.Part {
				sums = append(sums, d.Daily)
			}
		}
		return errors.Join(merge(curves, steps), merge(daily, sums))
	})
	if err := errors.Join(append(errs, err)...); err != nil {
		return err
	}
	i.sums = results[0]
	i.report()
	if len(coarse) > 0 {
		fmt.Fprintf(i.out, "Stored in finer steps, which stay: %d days.\n", len(coarse))
	}
	return nil
}

// coarser gives the days of which finer steps are stored.
func coarser(
	ctx context.Context, kept *store.Store, s meter.Series, copied []homeassistant.CopiedDay,
) (map[meter.Day]bool, error) {
	days := make(map[meter.Day]bool)
	byDay := make(map[meter.Day]meter.DayValues, len(copied))
	for _, d := range copied {
		byDay[d.Day] = d.Curve
	}
	for v, err := range kept.Days(ctx, s, meter.Days{From: copied[0].Day, To: copied[len(copied)-1].Day + 1}) {
		if err != nil {
			return nil, err
		}
		if c := byDay[v.Day]; len(c.Readings) > 0 && finer(v, c) {
			days[v.Day] = true
		}
	}
	return days, nil
}

// finer tells whether a stored curve has shorter steps than a copied one and covers as much of the day: of equal sources the
// newer would else take its place.
func finer(stored, copied meter.DayValues) bool {
	shorter := func(a, b meter.Reading) int { return cmp.Compare(a.Seconds(), b.Seconds()) }
	return stored.Covered() >= copied.Covered() &&
		slices.MinFunc(stored.Readings, shorter).Seconds() < slices.MinFunc(copied.Readings, shorter).Seconds()
}
