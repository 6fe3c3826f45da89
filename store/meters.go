package store

import (
	"context"
	"database/sql"
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// SaveMeter writes all that is kept of a meter beside its days, in one transaction; what m does not hold is forgotten.
// UpdatedAt is left alone.
func (s *Store) SaveMeter(ctx context.Context, m Meter) error {
	return s.write(ctx, "save meter", func(ctx context.Context, t *tx) error {
		for _, save := range [...]func(context.Context, Meter) error{
			t.saveContract, t.saveDirections, t.saveWanted, t.saveSeries,
		} {
			if err := save(ctx, m); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) saveContract(ctx context.Context, m Meter) error {
	c := m.Contract
	return t.exec(ctx, `INSERT INTO meters (prm, first_seen, contract_read_at, contract_not_before, contract_directions,
			subscribed_kva, tariff, off_peak)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (prm) DO UPDATE SET first_seen = excluded.first_seen,
			contract_read_at = excluded.contract_read_at, contract_not_before = excluded.contract_not_before,
			contract_directions = excluded.contract_directions, subscribed_kva = excluded.subscribed_kva,
			tariff = excluded.tariff, off_peak = excluded.off_peak`,
		m.PRM, toInstant(m.FirstSeen), toInstant(c.ReadAt), toInstant(c.NotBefore), joinDirections(c.Directions),
		c.SubscribedKVA, c.Tariff, c.OffPeak)
}

func (t *tx) saveDirections(ctx context.Context, m Meter) error {
	if err := t.exec(ctx, `DELETE FROM directions WHERE prm = ?`, m.PRM); err != nil {
		return err
	}
	for name, d := range m.Directions {
		err := t.exec(ctx, `INSERT INTO directions (prm, direction, standing, how, at, ask_again, activation)
			VALUES (?, ?, ?, ?, ?, ?, ?)`,
			m.PRM, name, d.Standing, d.How, toInstant(d.At), toInstant(d.AskAgain), toKnownDay(d.Activation))
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) saveWanted(ctx context.Context, m Meter) error {
	if err := t.exec(ctx, `DELETE FROM wanted WHERE prm = ?`, m.PRM); err != nil {
		return err
	}
	for measure, w := range m.Wanted {
		err := t.exec(ctx, `INSERT INTO wanted (prm, measure, first_day, floor_day, stopped_day) VALUES (?, ?, ?, ?, ?)`,
			m.PRM, measure, toDay(w.First), toKnownDay(w.Floor), toKnownDay(w.Stopped))
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) saveSeries(ctx context.Context, m Meter) error {
	err := t.exec(ctx, `UPDATE series SET refused_start = NULL, not_collected_at = NULL WHERE prm = ?`, m.PRM)
	if err != nil {
		return err
	}
	for series, state := range m.Series {
		id, err := t.series(ctx, series)
		if err != nil {
			return err
		}
		err = t.exec(ctx, `UPDATE series SET refused_start = ?, not_collected_at = ? WHERE id = ?`,
			toKnownDay(state.RefusedStart), toInstant(state.NotCollected), id)
		if err != nil {
			return err
		}
	}
	return nil
}

// Meters gives all meters that are known, in the order in which they were first seen. Their maps are never nil; Series has
// those of which there is something to tell.
func (s *Store) Meters(ctx context.Context) ([]Meter, error) {
	var all []Meter
	err := s.reader.each(ctx, "meters", `SELECT prm, first_seen, updated_at, contract_read_at, contract_not_before,
			contract_directions, subscribed_kva, tariff, off_peak FROM meters ORDER BY first_seen, prm`, nil,
		func(scan scan) error {
			m, err := scanMeter(scan)
			all = append(all, m)
			return err
		})
	if err != nil {
		return nil, err
	}
	byPRM := make(map[meter.PRM]*Meter, len(all))
	for i := range all {
		byPRM[all[i].PRM] = &all[i]
	}
	for _, add := range [...]func(context.Context, map[meter.PRM]*Meter) error{
		s.addDirections, s.addWanted, s.addSeries,
	} {
		if err := add(ctx, byPRM); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func scanMeter(scan scan) (Meter, error) {
	m := Meter{
		Directions: make(map[meter.Direction]DirectionState),
		Wanted:     make(map[meter.Measure]Wanted),
		Series:     make(map[meter.Series]SeriesState),
	}
	var firstSeen, updatedAt, readAt, notBefore instant
	var directions sql.Null[string]
	c := &m.Contract
	err := scan(&m.PRM, &firstSeen, &updatedAt, &readAt, &notBefore, &directions, &c.SubscribedKVA, &c.Tariff, &c.OffPeak)
	m.FirstSeen, m.UpdatedAt = fromInstant(firstSeen), fromInstant(updatedAt)
	c.ReadAt, c.NotBefore, c.Directions = fromInstant(readAt), fromInstant(notBefore), splitDirections(directions)
	return m, err
}

func (s *Store) addDirections(ctx context.Context, meters map[meter.PRM]*Meter) error {
	const query = `SELECT prm, direction, standing, how, at, ask_again, activation FROM directions`
	return s.reader.each(ctx, "directions", query, nil, func(scan scan) error {
		var prm meter.PRM
		var name meter.Direction
		var d DirectionState
		var at, askAgain instant
		var activation sql.Null[int64]
		err := scan(&prm, &name, &d.Standing, &d.How, &at, &askAgain, &activation)
		d.At, d.AskAgain, d.Activation = fromInstant(at), fromInstant(askAgain), fromKnownDay(activation)
		if m := meters[prm]; m != nil {
			m.Directions[name] = d
		}
		return err
	})
}

func (s *Store) addWanted(ctx context.Context, meters map[meter.PRM]*Meter) error {
	const query = `SELECT prm, measure, first_day, floor_day, stopped_day FROM wanted`
	return s.reader.each(ctx, "wanted days", query, nil, func(scan scan) error {
		var prm meter.PRM
		var measure meter.Measure
		var first int64
		var floor, stopped sql.Null[int64]
		err := scan(&prm, &measure, &first, &floor, &stopped)
		if m := meters[prm]; m != nil {
			m.Wanted[measure] = Wanted{First: fromDay(first), Floor: fromKnownDay(floor), Stopped: fromKnownDay(stopped)}
		}
		return err
	})
}

func (s *Store) addSeries(ctx context.Context, meters map[meter.PRM]*Meter) error {
	const query = `SELECT prm, direction, measure, refused_start, not_collected_at FROM series
		WHERE refused_start IS NOT NULL OR not_collected_at IS NOT NULL`
	return s.reader.each(ctx, "series", query, nil, func(scan scan) error {
		var series meter.Series
		var refusedStart sql.Null[int64]
		var notCollected instant
		err := scan(&series.PRM, &series.Direction, &series.Measure, &refusedStart, &notCollected)
		if m := meters[series.PRM]; m != nil {
			m.Series[series] = SeriesState{fromKnownDay(refusedStart), fromInstant(notCollected)}
		}
		return err
	})
}

// joinDirections keeps apart nil, which is null, and none.
func joinDirections(directions []meter.Direction) sql.Null[string] {
	names := make([]string, len(directions))
	for i, d := range directions {
		names[i] = string(d)
	}
	return sql.Null[string]{V: strings.Join(names, ","), Valid: directions != nil}
}

func splitDirections(names sql.Null[string]) []meter.Direction {
	if !names.Valid {
		return nil
	}
	directions := []meter.Direction{}
	for name := range strings.SplitSeq(names.V, ",") {
		if name != "" {
			directions = append(directions, meter.Direction(name))
		}
	}
	return directions
}

// SaveLights writes the lights of some meters as they were last computed.
func (s *Store) SaveLights(ctx context.Context, lights map[meter.PRM]Light) error {
	return s.write(ctx, "save lights", func(ctx context.Context, t *tx) error {
		for prm, l := range lights {
			err := t.exec(ctx, `INSERT INTO lights (prm, level, since) VALUES (?, ?, ?)
				ON CONFLICT (prm) DO UPDATE SET level = excluded.level, since = excluded.since`,
				prm, l.Level, toInstant(l.Since))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Lights gives the light of each meter as it was last computed.
func (s *Store) Lights(ctx context.Context) (map[meter.PRM]Light, error) {
	all := make(map[meter.PRM]Light)
	err := s.reader.each(ctx, "lights", `SELECT prm, level, since FROM lights`, nil, func(scan scan) error {
		var prm meter.PRM
		var l Light
		var since instant
		err := scan(&prm, &l.Level, &since)
		l.Since = fromInstant(since)
		all[prm] = l
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
