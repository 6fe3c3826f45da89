package contract

import (
	"slices"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Profile is the shape of a meter: which values its documents hold. Home Assistant's entities follow from it alone.
type Profile struct {
	PRM        meter.PRM
	Name       string
	Directions []meter.Direction // that exist, consumption first
	Shows      []Measured        // the series of which a document holds a value; Daily stands for day, month and year
	ConsentEnd bool              // the end of the consent is known
}

// Has tells whether the meter's documents hold a value of the series.
func (p Profile) Has(d meter.Direction, m meter.Measure) bool {
	return slices.Contains(p.Shows, Measured{Direction: d, Measure: m})
}

// Profile gives the shape of the meter. A series shows once its first value is there, and keeps showing.
func (m Meter) Profile() Profile {
	p := Profile{PRM: m.PRM, Name: m.Name, Directions: m.Directions, ConsentEnd: m.ConsentEnd != 0}
	for _, d := range m.Directions {
		for _, measure := range meter.Measures(d) {
			if s, ok := m.Series[Measured{d, measure}]; ok && len(s.Recent) > 0 {
				p.Shows = append(p.Shows, Measured{d, measure})
			}
		}
	}
	return p
}
