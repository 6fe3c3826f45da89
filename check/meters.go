package check

import (
	"context"
	"errors"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// soon is how many days before its end a consent is worth a warning.
const soon = 30

// meter asks for the last daily values of a meter: one request shows its number, the credentials and the consent. Then it
// looks for the curve.
func (t *trial) meter(ctx context.Context, m target) []Result {
	directions := t.known.directions(m.Meter)
	d := meter.Consumption
	if len(directions) > 0 {
		d = directions[0]
	}
	batch, err := t.source.Fetch(ctx, t.request(m, d, meter.Daily))
	if enedis.WholeSource(err) && !noCall(err) {
		t.trouble = err
		return nil
	}
	results := []Result{t.consent(m, batch, err)}
	if results[0].Status == Failed || results[0].Status == Skipped {
		return results
	}
	if enedis.ActionOf(err) == enedis.Never && err != nil && len(directions) == 0 {
		d = meter.Production // it is a meter of the other direction alone
	}
	if len(directions) == 0 {
		directions = []meter.Direction{d}
	}
	for _, d := range directions {
		results = append(results, t.hourly(ctx, m, d, err == nil && len(batch.Days) > 0)...)
	}
	return results
}

// request is for the last two days that the source is to be asked for: of one of them Enedis has published the values by now.
func (t *trial) request(m target, d meter.Direction, measure meter.Measure) enedis.Request {
	to := meter.DayOf(t.Now())
	if t.source.Traits().Yesterday != 0 {
		to-- // what is asked for too early there is kept from being asked for again
	}
	return enedis.Request{PRM: m.PRM, Direction: d, Measure: measure, Days: meter.Days{From: to - 2, To: to}}
}

// noCall tells whether a refusal is our own, and about one meter.
func noCall(err error) bool {
	refusal, ok := errors.AsType[*enedis.Error](err)
	return ok && (refusal.Code == enedis.CodeOtherMeter || refusal.Code == enedis.CodeTokenExpired)
}

// consent says what the answer for one meter tells of its consent.
func (t *trial) consent(m target, batch enedis.Batch, err error) Result {
	name := t.source.Name()
	one := Result{Name: nameConsent, Subject: subject(m.PRM.Short(), name), Status: Failed}
	until := t.known.until(t.source, m.PRM)
	refusal, _ := errors.AsType[*enedis.Error](err)
	switch action := enedis.ActionOf(err); {
	case err == nil && len(batch.Days) > 0:
		t.holds(&one, t.say(consentValue, batch.Days[len(batch.Days)-1].Day), until)
	case err == nil, action == enedis.Wait:
		t.holds(&one, t.say(consentNoValue), until)
	case action == enedis.Never, action == enedis.NarrowStart, action == enedis.NarrowSpan, action == enedis.NotCollected:
		t.holds(&one, t.say(consentAnswers), until)
	case refusal != nil && refusal.Code == enedis.CodeOtherMeter:
		one.Message, one.Remedy = t.say(consentUnknownMeter), t.say(consentTokenRemedy, t.consentPage(name))
		if !t.alone && m.Source == "" {
			one.Status = Warning // another source may know it
		}
	case refusal != nil && refusal.Code == enedis.CodeTokenExpired:
		one.Message, one.Remedy = t.say(consentExpired, until), t.say(consentTokenRemedy, t.consentPage(name))
	case refusal != nil && refusal.Code == enedis.CodeNotSubscribed:
		one.Message, one.Remedy = t.say(consentNotSubscribed, refusal), t.say(subscribeRemedy)
	case errors.Is(err, enedis.ErrBudget):
		one.Status, one.Message, one.Remedy = Skipped, t.say(sourceTrouble, err), t.say(waitRemedy)
	case action == enedis.RenewConsent:
		one.Message, one.Remedy = t.say(consentRefused, err), t.say(consentRemedy, t.consentPage(name))
	case action == enedis.FixSettings:
		one.Message, one.Remedy = t.say(consentRefused, err), t.say(credentialRemedies[name])
	case action == enedis.Quota:
		one.Message, one.Remedy = t.say(sourceTrouble, err), t.say(waitRemedy)
	default:
		one.Message, one.Remedy = t.say(sourceTrouble, err), t.say(laterRemedy)
	}
	return one
}

// holds makes the sentence on a consent that holds, with its last day, and warns when that is near.
func (c *checker) holds(one *Result, message string, until meter.Day) {
	one.Status, one.Message = OK, message
	if until != 0 && until < meter.DayOf(c.Now()) {
		one.Status, one.Remedy = Warning, c.say(consentSoonRemedy)
		one.Message += c.say(consentEnded, until)
	} else if until != 0 {
		one.Message += c.say(consentUntil, until)
		if until-meter.DayOf(c.Now()) < soon {
			one.Status, one.Remedy = Warning, c.say(consentSoonRemedy)
		}
	}
	one.Message += "."
}

// hourly tells whether the curve of a direction is collected: as the store knows it, else by one request.
func (t *trial) hourly(ctx context.Context, m target, d meter.Direction, dailyThere bool) []Result {
	s := meter.Series{PRM: m.PRM, Direction: d, Measure: meter.LoadCurve}
	if t.curves[s] || t.trouble != nil || !t.source.Traits().Offers(d, meter.LoadCurve) {
		return nil
	}
	if one, known := t.hourlyKnown(m, s, t.known); known {
		t.curves[s] = true
		return []Result{one}
	}
	batch, err := t.source.Fetch(ctx, t.request(m, d, meter.LoadCurve))
	one := Result{Name: nameHourly, Subject: subject(m.PRM.Short(), string(d)), Status: Skipped}
	action := enedis.ActionOf(err)
	noData := err == nil && len(batch.Days) == 0 || err != nil && action == enedis.Wait
	switch {
	case err == nil && !noData:
		one.Status, one.Message = OK, t.say(hourlyOn, batch.Days[len(batch.Days)-1].Day)
	case err != nil && action == enedis.NotCollected, noData && dailyThere:
		one.Status, one.Message, one.Remedy = Warning, t.say(hourlyOff), t.say(hourlyRemedy)
	case noData:
		one.Message = t.say(hourlyUnknown)
	default:
		one.Message = t.say(hourlyNotAsked, err)
	}
	t.curves[s] = one.Status != Skipped
	if enedis.WholeSource(err) {
		t.trouble = err
	}
	return []Result{one}
}

// hourlyKnown says what the settings and the store know of a curve.
func (c *checker) hourlyKnown(m target, s meter.Series, k knowledge) (one Result, known bool) {
	one = Result{Name: nameHourly, Subject: subject(m.PRM.Short(), string(s.Direction)), Status: Skipped}
	off, newest := k.collected(s, meter.DayOf(c.Now()))
	switch {
	case !m.Hourly:
		one.Message = c.say(hourlyUnwanted)
	case !off.IsZero():
		one.Status, one.Message, one.Remedy = Warning, c.say(hourlyOffSince, meter.DayOf(off)), c.say(hourlyRemedy)
	case newest != 0:
		one.Status, one.Message = OK, c.say(hourlyOn, newest)
	default:
		return one, false
	}
	return one, true
}
