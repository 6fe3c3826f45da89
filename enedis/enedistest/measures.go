package enedistest

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// stampLayout is how Enedis stamps curves and peaks: the wall clock in Paris, without its offset.
const stampLayout = time.DateTime

// maxDays is the most days of one request for daily values.
const maxDays = 365

// values is what a measure has before it is written in the form of an API.
type values struct {
	unit      string
	corrected bool
	list      []value
}

// value is one number, still with its day.
type value struct {
	day     meter.Day
	stamp   string        // as it is written: of a slot its end
	step    time.Duration // of a slot
	number  int64
	written any // of a fault: what stands in place of the number
}

// json is the value as Enedis writes it, a decimal integer in a string.
func (v value) json() any {
	if v.written != nil {
		return v.written
	}
	return strconv.FormatInt(v.number, 10)
}

// measure answers every resource of measures.
func (e *Enedis) measure(q *query) answer {
	check := q.checkV5
	if q.dialect == v2026 {
		check = q.check2026
	}
	if no := check(); no != nil {
		return no.answer()
	}
	m, known := e.Meter(q.prm)
	if !known {
		return unknownPoint(q).answer()
	}
	if no := e.refuse(q, m); no != nil {
		return no.answer()
	}
	if q.measure == meter.Register {
		return e.registers(q, m)
	}
	vs := q.valuesOf(m)
	q.bend(&vs)
	if len(vs.list) == 0 {
		return noData(q.dialect, e.options.NoDataFound).answer()
	}
	if q.dialect == v2026 {
		return q.write2026(m, vs)
	}
	return q.writeV5(vs)
}

// refuseHolder refuses an application that the customer does not want.
func refuseHolder(q *query, m Meter) *refusal {
	switch {
	case m.Moved:
		return notHolder()
	case m.consented(q.now):
		return nil
	case (m.NoService || m.NoConsent) && q.dialect == v2026:
		return noService()
	}
	return noConsent()
}

// refuse applies the rules that both forms of the API share.
func (e *Enedis) refuse(q *query, m Meter) *refusal {
	if no := refuseHolder(q, m); no != nil {
		return no
	}
	months := 36
	switch {
	case !m.has(q.direction):
		return wrongDirection()
	case q.measure == meter.LoadCurve:
		months = 24
		if q.days.Len() > e.options.Limits.CurveDays {
			return curveTooLong()
		}
	case q.days.Len() > maxDays && q.params.Get("mesuresPas") != stepMonth:
		return invalidRequest(fmt.Sprintf("The requested period must not exceed %d days.", maxDays))
	}
	switch {
	case q.days.From < q.today.MonthsBack(months)-15:
		return beforeHistory()
	case q.days.From < m.ActivationOf(q.direction):
		return beforeActivation(q.dialect)
	case q.measure == meter.LoadCurve && m.CurveObjection && q.days.To <= m.curveFrom(q.direction):
		return curveObjection()
	}
	return nil
}

// checkDays checks the range of days, the last one excluded.
func (q *query) checkDays() *refusal {
	switch {
	case q.days.Empty():
		return endNotAfterStart(q.dialect)
	case q.days.To > q.today:
		return endInFuture()
	}
	return nil
}

// valuesOf collects what is published of the days asked for.
func (q *query) valuesOf(m Meter) values {
	vs := values{unit: map[meter.Measure]string{meter.LoadCurve: "W", meter.Daily: "Wh", meter.MaxPower: "VA"}[q.measure]}
	for day := range q.days.All() {
		v, ok := m.DayAt(q.direction, q.measure, day, q.now)
		if !ok {
			continue
		}
		vs.corrected = vs.corrected || v.Quality == meter.Corrected
		switch q.measure {
		case meter.LoadCurve:
			vs.list = appendSlots(vs.list, v)
		case meter.MaxPower:
			vs.list = append(vs.list, value{day: day, stamp: v.At.Format(stampLayout), number: v.Value})
		default:
			vs.list = append(vs.list, value{day: day, stamp: day.String(), number: v.Value})
		}
	}
	return vs
}

// appendSlots adds the slots that are there. Enedis leaves out what is missing, and stamps a slot at its end.
func appendSlots(list []value, v meter.DayValues) []value {
	for _, r := range v.Readings {
		if !r.Missing {
			list = append(list, value{
				day: v.Day, stamp: r.End.Format(stampLayout), step: r.End.Sub(r.Start), number: r.Watts,
			})
		}
	}
	return list
}

// stepText is a step as ISO 8601 has it, in minutes.
func stepText(step time.Duration) string {
	return fmt.Sprintf("PT%dM", int(step/time.Minute))
}

// success writes an answer with values.
func success(v any) answer { return jsonAnswer(http.StatusOK, typeJSON, v) }
