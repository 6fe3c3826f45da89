package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// scrapeTimeout bounds how long a scrape may read the store.
const scrapeTimeout = 10 * time.Second

// metrics answers a scrape. All is derived from the documents at each one: there is nothing to keep in step.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	var c collection
	c.open()
	c.up.is(number(s.bridge.Health() == nil))
	ctx, cancel := context.WithTimeout(r.Context(), scrapeTimeout)
	defer cancel()
	if b, meters, err := s.bridge.Overview(ctx); err == nil { // else up tells
		c.meters(meters, s.Now())
		c.sources(b)
	}
	w.Header().Set("Content-Type", expositionType)
	_ = expose(w, c.all) // whoever has hung up misses it
}

// collection is what one scrape gathers.
type collection struct {
	all []*metric

	up, light, late, age, updated, consent, state, left, used, next, differ, round, roundOK *metric
}

// open names the metrics, which have no samples yet.
func (c *collection) open() {
	gauge := func(name, help string, labels ...string) *metric {
		m := &metric{name: name, help: help, kind: "gauge", labels: labels}
		c.all = append(c.all, m)
		return m
	}
	c.up = gauge("up", "1 while the process can do its work.")
	c.light = gauge("light", "The light of the meter: red 0, orange 1, green 2.", "meter")
	c.late = gauge("late", "1 when data should have been there for two hours.", "meter")
	c.age = gauge("last_day_age_days", "Days from the newest day of a series to today; 1 is yesterday.", "meter", "series")
	c.updated = gauge("updated_timestamp_seconds", "When the newest revision of the meter was stored.", "meter")
	c.consent = gauge("consent_days_left", "Days until the consent for the meter ends.", "meter")
	c.state = gauge("source_state", "1 for the state that the source is in.", "source", "state")
	c.left = gauge("calls_left", "Calls left in the window that ends now.", "scope", "source", "window")
	c.used = gauge("calls_used", "Calls made in the window that ends now.", "scope", "source", "window")
	c.next = gauge("source_next_allowed_timestamp_seconds", "Until when the source is given rest.", "source")
	c.differ = gauge("source_differences_total", "Days of which the source said something else than another one.", "source")
	c.differ.kind = "counter"
	c.round = gauge("last_round_end_timestamp_seconds", "When the last round ended.")
	c.roundOK = gauge("last_round_ok", "1 when the last round met no trouble.")
}

func (c *collection) meters(meters []contract.Meter, now time.Time) {
	names := labelsOf(meters)
	for i, m := range meters {
		l := m.Light(contract.English, now)
		c.light.is(float64(l.Number), names[i])
		c.late.is(number(l.Late), names[i])
		for series, one := range l.Series {
			if one.Last != nil {
				c.age.is(float64(meter.DayOf(now)-*one.Last), names[i], series)
			}
		}
		if !m.UpdatedAt.IsZero() {
			c.updated.is(float64(m.UpdatedAt.Unix()), names[i])
		}
		if m.ConsentEnd != 0 {
			c.consent.is(float64(max(0, m.ConsentEnd-meter.DayOf(now))), names[i])
		}
	}
}

func (c *collection) sources(b contract.Bridge) {
	for _, s := range b.Health().Sources {
		for _, state := range contract.SourceStates() {
			c.state.is(number(s.State == state), s.Name, string(state))
		}
		for _, budget := range s.Budgets {
			c.left.is(float64(budget.Left), budget.Scope, s.Name, budget.Window)
			c.used.is(float64(budget.Calls), budget.Scope, s.Name, budget.Window)
		}
	}
	for _, s := range b.Sources {
		c.differ.is(float64(s.Differences), s.Name)
		if !s.NextAllowedAt.IsZero() {
			c.next.is(float64(s.NextAllowedAt.Unix()), s.Name)
		}
	}
	if r := b.LastRound; r != nil {
		c.round.is(float64(r.EndedAt.Unix()))
		c.roundOK.is(number(r.OK))
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
