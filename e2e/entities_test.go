//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// shown is what an entity must look like. An empty state stands for any that is not unknown or unavailable.
type shown struct {
	platform, key     string
	class, unit, name string
	category, state   string
}

// entities lists what the contract says of a meter, in French.
func (m truth) entities(t *testing.T) []shown {
	t.Helper()
	freshness, date := "Fraîcheur des données", (m.days.To - 1).String()
	list := []shown{
		{"sensor", "freshness", "enum", "", freshness, "", "green"},
		{"binary_sensor", "late", "problem", "", "Données en retard", "diagnostic", "off"},
		{"sensor", "updated_at", "timestamp", "", "Dernière mise à jour", "diagnostic", ""},
		{"button", "refresh", "", "", "Actualiser", "config", "unknown"},
	}
	nouns := map[meter.Direction][2]string{
		meter.Consumption: {"Consommation", "Puissance soutirée, dernière demi-heure"},
		meter.Production:  {"Production", "Puissance injectée, dernière demi-heure"},
	}
	for _, d := range m.Directions() {
		now, noun, key := m.state(t, d), nouns[d][0], string(d)
		list = append(list,
			shown{"sensor", key + "_daily", "energy", "kWh", noun + " du jour", "", number(now.Daily.KWh)},
			shown{"sensor", key + "_monthly", "energy", "kWh", noun + " du mois", "", number(now.Monthly.KWh)},
			shown{"sensor", key + "_yearly", "energy", "kWh", noun + " de l'année", "", number(now.Yearly.KWh)},
			shown{"sensor", key + "_date", "date", "", "Jour des données", "diagnostic", date},
		)
		if now.LoadCurve != nil {
			list = append(list, shown{"sensor", key + "_load_curve", "power", "W", nouns[d][1], "", number(float64(now.LoadCurve.W))})
		}
		if now.MaxPower != nil {
			list = append(list, shown{"sensor", key + "_max_power", "apparent_power", "kVA", "Puissance maximale", "", number(now.MaxPower.KVA)})
		}
	}
	return list
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// sameState compares states; numbers may be written in more than one way.
func sameState(got, want string) bool {
	g, errG := strconv.ParseFloat(got, 64)
	w, errW := strconv.ParseFloat(want, 64)
	if errG == nil && errW == nil {
		return g == w
	}
	return got == want || want == "" && got != "unknown" && got != "unavailable"
}

// bridgeEntities are those of the bridge itself.
var bridgeEntities = []shown{
	{"binary_sensor", "connection", "connectivity", "", "Connexion", "diagnostic", "on"},
	{"sensor", "calls_left_dataconnect", "", "", "Appels restants", "diagnostic", ""},
}

// check complains of an entity that does not look as it must.
func (s shown) check(states map[string]entityState, slug, device string) error {
	id := s.platform + "." + slug + "_" + s.key
	got, ok := states[id]
	a := got.Attributes
	switch {
	case !ok:
		return fmt.Errorf("%s is not there", id)
	case !sameState(got.State, s.state):
		return fmt.Errorf("%s shows %q instead of %q", id, got.State, s.state)
	case a.Unit != s.unit || a.DeviceClass != s.class || a.StateClass != "":
		return fmt.Errorf("%s has unit %q, class %q, state class %q", id, a.Unit, a.DeviceClass, a.StateClass)
	case a.Name != device+" "+s.name:
		return fmt.Errorf("%s is called %q instead of %q", id, a.Name, device+" "+s.name)
	}
	return nil
}

// requireEntities waits until Home Assistant shows all entities of the meters and of the bridge, and no others.
func requireEntities(t *testing.T, h *homeAssistant, meters []truth) {
	t.Helper()
	type device struct {
		slug, name string
		entities   []shown
	}
	devices := []device{{"enedis2mqtt", "enedis2mqtt", bridgeEntities}}
	for _, m := range meters {
		devices = append(devices, device{"linky_" + m.PRM.Tail(), "Linky " + m.PRM.Tail(), m.entities(t)})
	}
	await(t, "Home Assistant shows all entities", time.Minute, func() error {
		states := h.states(t)
		n := 0
		for _, d := range devices {
			n += len(d.entities)
			for _, e := range d.entities {
				if err := e.check(states, d.slug, d.name); err != nil {
					return err
				}
			}
		}
		if n != len(states) {
			return fmt.Errorf("%d entities instead of %d: %v", len(states), n, slices.Sorted(maps.Keys(states)))
		}
		return nil
	})
}

// requireRegistry checks what Home Assistant keeps of the entities for ever: unique ids and categories.
func requireRegistry(t *testing.T, h *homeAssistant, m truth) {
	t.Helper()
	registry := h.registry(t)
	for _, e := range m.entities(t) {
		id := e.platform + ".linky_" + m.PRM.Tail() + "_" + e.key
		got, ok := registry[id]
		require.True(t, ok, id)
		require.Equal(t, "enedis2mqtt_"+string(m.PRM)+"_"+e.key, got.UniqueID)
		category := ""
		if got.Category != nil {
			category = *got.Category
		}
		require.Equal(t, e.category, category, id)
	}
}

// requireStates waits until Home Assistant shows all entities of the meters, whatever else it shows.
func requireStates(t *testing.T, h *homeAssistant, meters []truth) {
	t.Helper()
	await(t, "Home Assistant shows all entities again", time.Minute, func() error {
		states := h.states(t)
		for _, m := range meters {
			for _, e := range m.entities(t) {
				if err := e.check(states, "linky_"+m.PRM.Tail(), "Linky "+m.PRM.Tail()); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
