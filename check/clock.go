package check

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const (
	clockOff   = time.Minute      // from which a clock is worth a warning
	clockWrong = 10 * time.Minute // above which no answer is used
)

// clockWatch sends requests and notes how far the Date of the last answer is from our clock.
type clockWatch struct {
	next http.RoundTripper
	now  func() time.Time

	mu   sync.Mutex
	host string        // that answered; empty before the first answer with a Date
	off  time.Duration // positive when our clock is ahead
}

// newClockWatch gives each request a connection of its own: what a kept one repeats by itself would be counted by nobody.
func newClockWatch(now func() time.Time) *clockWatch {
	w := &clockWatch{next: http.DefaultTransport, now: now}
	if transport, ok := w.next.(*http.Transport); ok {
		transport = transport.Clone()
		transport.DisableKeepAlives = true
		w.next = transport
	}
	return w
}

// RoundTrip implements http.RoundTripper.
func (w *clockWatch) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if theirs, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		w.mu.Lock()
		w.host, w.off = r.URL.Host, w.now().Sub(theirs)
		w.mu.Unlock()
	}
	return resp, nil
}

// clock compares our clock with the program's age and with the answers that came anyway. The zone comes with the program.
func (c *checker) clock() {
	now := c.Now()
	paris := now.In(meter.Paris()).Format("2006-01-02 15:04")
	one := Result{Name: nameClock, Status: OK}
	host, off := "", time.Duration(0)
	if c.watch != nil {
		c.watch.mu.Lock()
		host, off = c.watch.host, c.watch.off
		c.watch.mu.Unlock()
	}
	switch {
	case now.Before(c.Built):
		one.Status, one.Message = Failed, c.say(clockBeforeBuild, paris, c.Built.Format(time.DateOnly))
	case host == "":
		one.Message = c.say(clockAlone, paris)
	case off.Abs() > clockWrong:
		one.Status, one.Message = Failed, c.say(clockDiffers, paris, shortly(off.Abs()), host)
	case off.Abs() > clockOff:
		one.Status, one.Message = Warning, c.say(clockDiffers, paris, shortly(off.Abs()), host)
	default:
		one.Message = c.say(clockAgrees, paris, host)
	}
	if one.Status != OK {
		one.Remedy = c.say(clockRemedy)
	}
	c.add(one)
}

// shortly is a duration in its two largest units.
func shortly(d time.Duration) string {
	switch h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60; {
	case h >= 48:
		return fmt.Sprintf("%d d", h/24)
	case h > 0 && m == 0:
		return fmt.Sprintf("%d h", h)
	case h > 0:
		return fmt.Sprintf("%d h %d min", h, m)
	case m > 0 && s == 0:
		return fmt.Sprintf("%d min", m)
	case m > 0:
		return fmt.Sprintf("%d min %d s", m, s)
	default:
		return fmt.Sprintf("%d s", s)
	}
}
