package homeassistanttest

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// since tells whether the version is that of a month or a later one.
func (h *HomeAssistant) since(year, month int) bool {
	first, rest, _ := strings.Cut(h.o.Version, ".")
	second, _, _ := strings.Cut(rest, ".")
	y, _ := strconv.Atoi(first)
	m, _ := strconv.Atoi(second)
	return y > year || y == year && m >= month
}

// modern tells whether mean_type and unit_class are known keys.
func (h *HomeAssistant) modern() bool { return h.since(2025, 11) && !h.o.Legacy }

// importStatistics is recorder/import_statistics. It answers at once; what is written can be read after the lag.
func (h *HomeAssistant) importStatistics(m fields) (any, error) {
	if h.o.NotAdmin {
		return nil, &fault{"unauthorized", "Unauthorized"}
	}
	if err := h.strictly(m, "", []string{"metadata", "stats"}, nil); err != nil {
		return nil, err
	}
	id, metadata, err := h.metadata(m["metadata"])
	if err != nil {
		return nil, err
	}
	rows, err := h.rows(m["stats"])
	if err != nil {
		return nil, err
	}
	if err := valid(id, metadata); err != nil {
		return nil, err
	}
	if h.o.Lag == 0 {
		h.write(id, metadata, rows)
		return nil, nil
	}
	h.backlog++
	time.AfterFunc(h.o.Lag, func() {
		h.set(func() {
			h.write(id, metadata, rows)
			h.backlog--
		})
		h.written.Broadcast()
	})
	return nil, nil
}

// wire is the metadata of an import.
type wire struct {
	Source    string  `json:"source"`
	ID        string  `json:"statistic_id"`
	Name      *string `json:"name"`
	Unit      *string `json:"unit_of_measurement"`
	UnitClass *string `json:"unit_class"`
	HasSum    bool    `json:"has_sum"`
	HasMean   bool    `json:"has_mean"`
	MeanType  int     `json:"mean_type"`
}

func (h *HomeAssistant) metadata(body json.RawMessage) (wire, Metadata, error) {
	var given fields
	if json.Unmarshal(body, &given) != nil {
		return wire{}, Metadata{}, invalid("expected a dictionary at 'metadata'")
	}
	required := []string{"has_sum", "name", "source", "statistic_id", "unit_of_measurement"}
	optional := []string{"has_mean", "mean_type", "unit_class"}
	if !h.modern() {
		required, optional = append(required, "has_mean"), nil
	}
	if err := h.strictly(given, "metadata.", required, optional); err != nil {
		return wire{}, Metadata{}, err
	}
	var w wire
	if err := json.Unmarshal(body, &w); err != nil {
		return wire{}, Metadata{}, invalid("%v at 'metadata'", err)
	}
	for _, key := range []string{"mean_type", "unit_class"} {
		if _, ok := given[key]; !ok && h.modern() {
			h.warnings = append(h.warnings, "WS command recorder/import_statistics called without specifying "+key+" in metadata")
		}
	}
	m := Metadata{Name: w.Name, Unit: w.Unit, UnitClass: w.UnitClass, HasSum: w.HasSum, MeanType: w.MeanType}
	if w.HasMean {
		m.MeanType = 1
	}
	return w, m, nil
}

func (h *HomeAssistant) rows(body json.RawMessage) ([]Row, error) {
	var stats []fields
	if json.Unmarshal(body, &stats) != nil || stats == nil {
		return nil, invalid("expected a list at 'stats'")
	}
	rows := make([]Row, len(stats))
	for i, s := range stats {
		where := "stats[" + strconv.Itoa(i) + "]."
		optional := []string{"mean", "min", "max", "last_reset", "state", "sum"}
		if err := h.strictly(s, where, []string{"start"}, optional); err != nil {
			return nil, err
		}
		var err error
		if rows[i].Start, err = start(s["start"], where); err != nil {
			return nil, err
		}
		for name, to := range map[string]**float64{"state": &rows[i].State, "sum": &rows[i].Sum} {
			text, given := s[name]
			if given && (json.Unmarshal(text, to) != nil || *to == nil) {
				return nil, invalid("expected int or float at '%s%s'. Got %s", where, name, text)
			}
		}
	}
	return rows, nil
}

func start(text json.RawMessage, where string) (time.Time, error) {
	var s string
	if json.Unmarshal(text, &s) != nil {
		return time.Time{}, invalid("Invalid datetime specified: %s at '%sstart'. Got %s", text, where, text)
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		if _, err := time.Parse("2006-01-02T15:04:05", s); err == nil {
			return time.Time{}, failed("Naive timestamp: no or invalid timezone info provided")
		}
		return time.Time{}, invalid("Invalid datetime specified: %s at '%sstart'. Got %s", s, where, s)
	}
	if at.Minute() != 0 || at.Second() != 0 {
		return time.Time{}, failed("Invalid timestamp: timestamps must be from the top of the hour (minutes and seconds = 0)")
	}
	return at.UTC(), nil
}

var (
	parts       = regexp.MustCompile(`^[0-9a-z]+(_[0-9a-z]+)*:[0-9a-z]+(_[0-9a-z]+)*$`)
	energyUnits = []string{"cal", "GJ", "Gcal", "J", "kWh", "kcal", "kJ", "MJ", "MWh", "Mcal", "mWh", "TWh", "Wh", "GWh"}
)

func valid(w wire, m Metadata) error {
	if !parts.MatchString(w.ID) {
		return failed("Invalid statistic_id")
	}
	if domain, _, _ := strings.Cut(w.ID, ":"); w.Source != domain {
		return failed("Invalid source")
	}
	if m.UnitClass == nil {
		return nil
	}
	if *m.UnitClass != "energy" {
		return failed("Unsupported unit_class: '%s'", *m.UnitClass)
	}
	if m.Unit == nil || !slices.Contains(energyUnits, *m.Unit) {
		return failed("Unsupported unit_of_measurement for unit_class 'energy'")
	}
	return nil
}

// write overwrites the metadata, whatever they were, and the rows as wholes. Nothing is converted and no sum recomputed.
func (h *HomeAssistant) write(w wire, m Metadata, rows []Row) {
	s, ok := h.statistics[w.ID]
	if !ok {
		s = new(statistic)
		h.statistics[w.ID] = s
	}
	s.Metadata = m
	for _, r := range rows {
		if !h.o.Loses(r) {
			s.put(r)
		}
	}
}
