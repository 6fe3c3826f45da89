package check

import (
	"context"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// knowledge is what the store keeps of sources and meters.
type knowledge struct {
	meters   map[meter.PRM]store.Meter
	coverage map[meter.Series]meter.Coverage
	attempts []store.Attempt // in the order in which they began
	backoffs map[string]store.Backoff
	consents []store.Consent
	listed   map[string][]meter.PRM // by source: the meters that its credentials opened when it was last asked
}

func know(ctx context.Context, kept *store.Store, sources []bridge.Source) (k knowledge, err error) {
	meters, err := kept.Meters(ctx)
	if err != nil {
		return knowledge{}, err
	}
	k.meters, k.listed = make(map[meter.PRM]store.Meter), make(map[string][]meter.PRM)
	for _, m := range meters {
		k.meters[m.PRM] = m
	}
	if k.coverage, err = kept.Coverage(ctx); err != nil {
		return knowledge{}, err
	}
	if k.attempts, err = kept.Attempts(ctx); err != nil {
		return knowledge{}, err
	}
	if k.backoffs, err = kept.Backoffs(ctx); err != nil {
		return knowledge{}, err
	}
	if k.consents, err = kept.Consents(ctx); err != nil {
		return knowledge{}, err
	}
	for _, s := range sources {
		if k.listed[s.Name()], err = bridge.Listed(ctx, kept, s.Name()); err != nil {
			return knowledge{}, err
		}
	}
	return k, nil
}

// target is a meter that is tried. One that a source or a consent named is tried there alone.
type target struct {
	bridge.Meter
	named bool // by a source or a consent, not by METERS
}

// targets lists the meters for a source: those of METERS that may be asked for there, those consented to, and where METERS is
// empty those that the source lists.
func (k knowledge) targets(o Options, source string, listed []meter.PRM) []target {
	var list []target
	for _, m := range o.Meters {
		if m.Source == "" || m.Source == source {
			list = append(list, target{Meter: m})
		}
	}
	add := func(prm meter.PRM) {
		is := func(prm meter.PRM) bool {
			return slices.ContainsFunc(list, func(t target) bool { return t.PRM == prm }) ||
				slices.ContainsFunc(o.Meters, func(m bridge.Meter) bool { return m.PRM == prm })
		}
		if !is(prm) {
			list = append(list, target{Meter: bridge.Meter{PRM: prm, Hourly: true}, named: true})
		}
	}
	for _, c := range k.consents {
		if c.Source == source {
			add(c.PRM)
		}
	}
	if len(o.Meters) == 0 {
		for _, prm := range listed {
			add(prm)
		}
	}
	return list
}

// directions lists those of a meter that the settings or the store know; none when nobody does.
func (k knowledge) directions(m bridge.Meter) []meter.Direction {
	if m.Directions != nil {
		return m.Directions
	}
	return slices.DeleteFunc(meter.Directions(), func(d meter.Direction) bool {
		return k.meters[m.PRM].Directions[d].Standing != store.Exists
	})
}

// freshCurve is how old the newest day of a curve may be that proves its collection.
const freshCurve = 10

// collected tells what the store knows of the collection of a curve: that it is off since a time, or on through a day. Both
// are zero when it knows nothing.
func (k knowledge) collected(s meter.Series, today meter.Day) (off time.Time, newest meter.Day) {
	if off := k.meters[s.PRM].Series[s].NotCollected; !off.IsZero() {
		return off, 0
	}
	if newest, ok := k.coverage[s].Newest(); ok && newest >= today-freshCurve {
		return time.Time{}, newest
	}
	return time.Time{}, 0
}

// until is the last day of a consent or of a token, as far as anybody tells; 0 when unknown.
func (k knowledge) until(source bridge.Source, prm meter.PRM) meter.Day {
	if holder, ok := source.(bridge.TokenHolder); ok {
		if day, ok := holder.ConsentUntil(prm); ok {
			return day
		}
	}
	for _, c := range k.consents {
		if c.Source == source.Name() && c.PRM == prm {
			return c.Until
		}
	}
	return 0
}
