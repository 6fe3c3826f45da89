package enedistest

import "time"

// quota counts the calls that were let in, by what they are counted for.
type quota map[string]*window

// window holds the instants of the calls of the last span.
type window struct {
	span  time.Duration
	limit int
	at    []time.Time // oldest first
}

// room tells how long it takes until the window has room for one more; 0 when it has.
func (w *window) room(now time.Time) time.Duration {
	old := 0
	for old < len(w.at) && !w.at[old].After(now.Add(-w.span)) {
		old++
	}
	w.at = w.at[old:]
	if w.limit < 0 || len(w.at) < w.limit {
		return 0
	}
	return w.at[len(w.at)-w.limit].Add(w.span).Sub(now)
}

// take counts a call.
func (w *window) take(now time.Time) {
	if w.limit >= 0 {
		w.at = append(w.at, now)
	}
}

// window gives the counter of a name, made at its first use.
func (q quota) window(name string, span time.Duration, limit int) *window {
	w, known := q[name]
	if !known {
		w = &window{span: span, limit: limit}
		q[name] = w
	}
	return w
}

// admit counts a call, whatever its answer will be, or refuses it: more than five calls in a second over all APIs, or too
// many in an hour: of one API in 2026, of all of them in v5. A refused call is not counted.
func (e *Enedis) admit(q *query) *refusal {
	e.mu.Lock()
	defer e.mu.Unlock()
	limits := e.options.Limits
	second := e.quota.window("second", time.Second, limits.CallsPerSecond)
	hour := e.quota.window("token", time.Hour, Unlimited)
	switch q.dialect {
	case v2026:
		hour = e.quota.window(q.api, time.Hour, limits.CallsPerHour2026)
	case v5:
		hour = e.quota.window("v5", time.Hour, limits.CallsPerHourV5)
	}
	if left := second.room(q.now); left > 0 {
		return overSecond(q.dialect, left)
	}
	if left := hour.room(q.now); left > 0 {
		return overHour(q.dialect, left)
	}
	second.take(q.now)
	hour.take(q.now)
	return nil
}
