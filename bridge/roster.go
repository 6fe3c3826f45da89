package bridge

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// defaultMeter is a meter of which the settings say nothing.
func defaultMeter(p meter.PRM) Meter { return Meter{PRM: p, Name: "Linky " + p.Tail(), Hourly: true} }

// wantedMeters lists the meters to serve: those of the settings, those that gave their consent, and, where the settings name
// none, those that the sources' credentials open, as far as is known without a call.
func (b *Bridge) wantedMeters(ctx context.Context) ([]Meter, []store.Consent, error) {
	list := slices.Clone(b.Meters)
	add := func(p meter.PRM) {
		if !slices.ContainsFunc(list, func(m Meter) bool { return m.PRM == p }) {
			list = append(list, defaultMeter(p))
		}
	}
	consents, err := b.Store.Consents(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range consents {
		add(c.PRM)
	}
	if !b.ListMeters {
		return list, consents, nil
	}
	for _, r := range b.roads {
		known, err := b.knownList(ctx, r)
		if err != nil {
			return nil, nil, err
		}
		for _, p := range known.PRMs {
			add(p)
		}
	}
	return list, consents, nil
}

// listing is which meters a source's credentials open, as the store keeps it.
type listing struct {
	Credential string      `json:"credential"`
	PRMs       []meter.PRM `json:"prms"`
	AskedAt    time.Time   `json:"asked_at"`
	Failures   int         `json:"failures"` // in a row
}

// readListing gives the zero listing for what cannot be read: the source is asked again.
func readListing(text string) listing {
	var l listing
	if json.Unmarshal([]byte(text), &l) != nil {
		return listing{}
	}
	return l
}

// again is when a source is asked for its list again: a day after an answer; after a failure the retry interval, which doubles
// up to an hour.
func (l listing) again(s Schedule) time.Time {
	if l.Failures == 0 {
		return l.AskedAt.AddDate(0, 0, 1)
	}
	d := s.RetryInterval
	for range l.Failures - 1 {
		d = min(2*d, max(time.Hour, s.RetryInterval))
	}
	return l.AskedAt.Add(d)
}

// knownList is what a source listed last, and when it is to be asked again: once a day, and at once with other credentials.
func (b *Bridge) knownList(ctx context.Context, r *road) (listing, error) {
	if _, ok := r.Source.(Lister); !ok {
		return listing{}, nil
	}
	text, _, err := b.Store.Value(ctx, keyMeters+r.Name())
	if err != nil {
		return listing{}, err
	}
	known := readListing(text)
	if known.Credential != b.Credential[r.Name()] {
		known.AskedAt, known.Failures = time.Time{}, 0
	}
	b.listed[r.Name()] = known
	return known, nil
}

// Listed gives the meters that a source listed last, as the store keeps them; none when it never did.
func Listed(ctx context.Context, s *store.Store, source string) ([]meter.PRM, error) {
	text, ok, err := s.Value(ctx, keyMeters+source)
	if err != nil || !ok {
		return nil, err
	}
	return readListing(text).PRMs, nil
}

// roster keeps the list of meters: it asks the sources which meters they serve, and after the services of consents that Enedis
// did not know yet. It tells when it has something to do again; the zero time for nothing.
func (b *Bridge) roster(ctx context.Context, now time.Time) time.Time {
	next := b.awaitConsents(ctx, now)
	for _, r := range b.roads {
		known, ok := b.listed[r.Name()]
		if !ok {
			continue
		}
		when := later(known.again(b.Schedule), r.Until)
		if !when.After(now) {
			when = b.list(ctx, r, known, now)
		}
		if next.IsZero() || when.Before(next) {
			next = when
		}
	}
	return next
}

// list asks a source which meters it serves, and takes those that are new among the meters. One that is no longer there stays
// until the next start. That it asks is remembered before the call. It tells when to ask again.
func (b *Bridge) list(ctx context.Context, r *road, known listing, now time.Time) time.Time {
	known.Credential, known.AskedAt = b.Credential[r.Name()], now
	known.Failures++
	b.keepList(ctx, r, known)
	prms, err := r.Source.(Lister).Meters(ctx)
	if ctx.Err() != nil {
		return now
	}
	b.judgeCall(ctx, r, now, err)
	if err != nil {
		b.Log.Warn("the meters of a source are not known", "source", r.Name(), "err", err)
		return known.again(b.Schedule)
	}
	b.Log.Info("meters listed", "source", r.Name(), "meters", len(prms))
	known.PRMs, known.Failures = prms, 0
	b.keepList(ctx, r, known)
	for _, p := range prms {
		b.welcome(ctx, defaultMeter(p))
	}
	return known.again(b.Schedule)
}

func (b *Bridge) keepList(ctx context.Context, r *road, known listing) {
	b.listed[r.Name()] = known
	text, err := json.Marshal(known)
	if err == nil {
		err = b.Store.SetValue(ctx, keyMeters+r.Name(), string(text))
	}
	if err != nil && ctx.Err() == nil {
		b.storageFailed(err)
	}
}

// judgeCall draws the consequence of a call that is about no meter for the source's health.
func (b *Bridge) judgeCall(ctx context.Context, r *road, now time.Time, err error) {
	b.judge(ctx, &unit{}, store.Attempt{Source: r.Name(), At: now}, err)
	if enedis.ActionOf(err) == enedis.Wait { // there is no such address: "no data" is no word on this
		b.mu.Lock()
		r.lastError, r.lastOutcome = err.Error(), store.BadSettings
		b.mu.Unlock()
	}
	b.board.forget(b.Topics.BridgeHealth())
	signal(b.dirty)
}

// welcome has a meter served from now on, if it is not yet. It gives its unit.
func (b *Bridge) welcome(ctx context.Context, m Meter) *unit {
	b.mu.Lock()
	u, known := b.units[m.PRM]
	b.mu.Unlock()
	if known {
		return u
	}
	kept, err := b.recollect(ctx) // it may have been served before
	if err != nil {
		b.storageFailed(err)
		return nil
	}
	u = kept.unit(m)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.enlist(ctx, u); err != nil {
		b.Log.Warn("a new meter is not kept yet", "prm", m.PRM, "err", err) // the next answer keeps it
	}
	b.Log.Info("a meter is served from now on", "prm", m.PRM)
	b.touch(m.PRM)
	b.statisticsGrow()
	b.board.forget(b.Topics.BridgeInfo())
	signal(b.wake)
	return u
}
