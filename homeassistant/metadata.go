package homeassistant

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	unit      = "kWh"
	unitClass = "energy"
)

// Metadata is what Home Assistant knows of a statistic.
type Metadata struct {
	ID        ID
	Name      string
	Unit      string
	UnitClass string // empty before 2025.11, and for none
	HasSum    bool
	HasMean   bool
}

// wanted are the metadata of a series of ours.
func wanted(s Series) Metadata {
	return Metadata{ID: s.ID(), Name: s.Name, Unit: unit, UnitClass: unitClass, HasSum: true}
}

// conflict tells what keeps the stored metadata from being overwritten by the wanted ones.
func (m Metadata) conflict(wanted Metadata) error {
	what := ""
	switch {
	case m.Unit != wanted.Unit:
		what = fmt.Sprintf("unit %q, not %s", m.Unit, wanted.Unit)
	case !m.HasSum:
		what = "no sums"
	case m.HasMean:
		what = "means"
	default:
		return nil
	}
	return &MetadataError{ID: m.ID, Wants: what}
}

// outdated tells whether an import should write the metadata though no row changes. The unit class counts where there are
// some.
func (m Metadata) outdated(wanted Metadata, s style) bool {
	return m.Name != wanted.Name || s == modern && m.UnitClass != wanted.UnitClass
}

// style is the form in which an import states its metadata. Home Assistant refuses keys that it does not know.
type style int

const (
	modern style = iota // mean_type and unit_class, since 2025.11
	legacy              // has_mean
)

func (s style) other() style { return 1 - s }

// styleOf is the form that a version wants, as in "2026.11.0", "2025.11.0b2" or "2025.12.0.dev202511010214". One that
// cannot be read is taken for a later one.
func styleOf(version string) style {
	year, rest, _ := strings.Cut(version, ".")
	month, _, _ := strings.Cut(rest, ".")
	y, err := strconv.Atoi(year)
	if err != nil {
		return modern
	}
	m, err := strconv.Atoi(month)
	if err != nil || y > 2025 || y == 2025 && m >= 11 {
		return modern
	}
	return legacy
}

// encode gives the metadata of an import in the style.
func (m Metadata) encode(s style) map[string]any {
	fields := map[string]any{
		"source":              source,
		"statistic_id":        m.ID,
		"name":                m.Name,
		"unit_of_measurement": m.Unit,
		"has_sum":             m.HasSum,
	}
	if s == legacy {
		fields["has_mean"] = m.HasMean
		return fields
	}
	fields["mean_type"] = 0 // none
	fields["unit_class"] = m.UnitClass
	return fields
}
