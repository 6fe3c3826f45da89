package enedistest

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// maxRequest is the most that is read of a request's body, in bytes.
const maxRequest = 1 << 20

// query is a request as it was received. What could not be read of it is zero; whether that is a fault is for the checks
// of its resource.
type query struct {
	*resource
	request *http.Request
	params  url.Values
	badURL  bool // the query string does not parse
	body    []byte
	now     time.Time
	today   meter.Day
	prm     meter.PRM
	days    meter.Days
	dated   bool          // both days were read
	serial  int           // of a token that is valid; 0: none
	bend    func(*values) // of a fault; bends measures before they are written
}

// receive reads a request without judging it.
func (e *Enedis) receive(res *resource, r *http.Request) *query {
	q := &query{resource: res, request: r, now: e.options.Now()}
	q.today = meter.DayOf(q.now)
	if r.Body != nil {
		q.body, _ = io.ReadAll(io.LimitReader(r.Body, maxRequest)) // a body that breaks off fails its resource's checks
	}
	params, err := url.ParseQuery(r.URL.RawQuery)
	q.params, q.badURL = params, err != nil
	prm, from, to := "usage_point_id", "start", "end"
	if res.dialect == v2026 {
		prm, from, to = "pointId", "dateDebut", "dateFin"
	}
	text := q.params.Get(prm)
	if res.dialect == v2026 && res.measure == "" {
		text = r.PathValue("prm")
	}
	if parsed, err := meter.ParsePRM(text); err == nil {
		q.prm = parsed
	}
	first, err1 := meter.ParseDay(q.params.Get(from))
	last, err2 := meter.ParseDay(q.params.Get(to))
	if err1 == nil && err2 == nil {
		q.days, q.dated = meter.Days{From: first, To: last}, true
	}
	if res.dialect != oauth {
		q.serial = e.serialOf(bearer(r), q.now)
	}
	return q
}

// knowsOnly tells whether the query string has no other parameters than these, and none of them twice.
func (q *query) knowsOnly(names ...string) bool {
	if q.badURL {
		return false
	}
	for name, values := range q.params {
		if len(values) != 1 || !slices.Contains(names, name) {
			return false
		}
	}
	return true
}

// bearer is the token of the Authorization header; empty when there is none.
func bearer(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return token
}

// firstSegment is what stands between the first two slashes of a path.
func firstSegment(path string) string {
	segment, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return segment
}

func lastSlash(s string) int { return strings.LastIndexByte(s, '/') }
