package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// collector derives the metrics from the documents at each scrape: there is nothing to keep in step.
type collector struct {
	bridge Bridge
	now    func() time.Time

	up, light, late, age, updated, consent, state, left, used, next, differ, round, roundOK *prometheus.Desc
}

// scrapeTimeout bounds how long a scrape may read the store.
const scrapeTimeout = 10 * time.Second

func (s *Server) metrics() http.Handler {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("enedis2mqtt_"+name, help, labels, nil)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(&collector{
		bridge: s.bridge, now: s.Now,
		up:      desc("up", "1 while the process can do its work."),
		light:   desc("light", "The light of the meter: red 0, orange 1, green 2.", "meter"),
		late:    desc("late", "1 when data should have been there for two hours.", "meter"),
		age:     desc("last_day_age_days", "Days from the newest day of a series to today; 1 is yesterday.", "meter", "series"),
		updated: desc("updated_timestamp_seconds", "When the newest revision of the meter was stored.", "meter"),
		consent: desc("consent_days_left", "Days until the consent for the meter ends.", "meter"),
		state:   desc("source_state", "1 for the state that the source is in.", "source", "state"),
		left:    desc("calls_left", "Calls left in the window that ends now.", "source", "window", "scope"),
		used:    desc("calls_used", "Calls made in the window that ends now.", "source", "window", "scope"),
		next:    desc("source_next_allowed_timestamp_seconds", "Until when the source is given rest.", "source"),
		differ:  desc("source_differences_total", "Days of which the source said something else than another one.", "source"),
		round:   desc("last_round_end_timestamp_seconds", "When the last round ended."),
		roundOK: desc("last_round_ok", "1 when the last round met no trouble."),
	})
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// Describe sends nothing: which series there are depends on the meters.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect sends the metrics of now.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(c.up, number(c.bridge.Health() == nil))
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	b, meters, err := c.bridge.Overview(ctx)
	if err != nil {
		return // up tells
	}
	now := c.now()
	names := labelsOf(meters)
	for i, m := range meters {
		l := m.Light(contract.English, now)
		gauge(c.light, float64(l.Number), names[i])
		gauge(c.late, number(l.Late), names[i])
		for series, one := range l.Series {
			if one.Last != nil {
				gauge(c.age, float64(meter.DayOf(now)-*one.Last), names[i], series)
			}
		}
		if !m.UpdatedAt.IsZero() {
			gauge(c.updated, float64(m.UpdatedAt.Unix()), names[i])
		}
		if m.ConsentEnd != 0 {
			gauge(c.consent, float64(max(0, m.ConsentEnd-meter.DayOf(now))), names[i])
		}
	}
	for _, s := range b.Health().Sources {
		for _, state := range contract.SourceStates() {
			gauge(c.state, number(s.State == state), s.Name, string(state))
		}
		for _, budget := range s.Budgets {
			gauge(c.left, float64(budget.Left), s.Name, budget.Window, budget.Scope)
			gauge(c.used, float64(budget.Calls), s.Name, budget.Window, budget.Scope)
		}
	}
	for _, s := range b.Sources {
		out <- prometheus.MustNewConstMetric(c.differ, prometheus.CounterValue, float64(s.Differences), s.Name)
		if !s.NextAllowedAt.IsZero() {
			gauge(c.next, float64(s.NextAllowedAt.Unix()), s.Name)
		}
	}
	if r := b.LastRound; r != nil {
		gauge(c.round, float64(r.EndedAt.Unix()))
		gauge(c.roundOK, number(r.OK))
	}
}

// labelsOf gives each meter its name, made unique by #2, #3 and so on. A PRM is in no label.
func labelsOf(meters []contract.Meter) []string {
	taken := make(map[string]bool)
	labels := make([]string, 0, len(meters))
	for _, m := range meters {
		name := nameOf(m)
		label := name
		for n := 2; taken[label]; n++ {
			label = fmt.Sprintf("%s#%d", name, n)
		}
		taken[label] = true
		labels = append(labels, label)
	}
	return labels
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
