package enedistest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// adminMeters adds the paths that change what a meter has, from now on.
//
//	POST   /simulator/corrections?prm=&day=     corrects a day; &direction=, &percent= narrow and shape it
//	POST   /simulator/holes?prm=&day=           takes a day away; &direction=, &measure= narrow it
//	DELETE /simulator/holes?prm=                fills all holes of a meter: days that come late
func (e *Enedis) adminMeters() {
	e.mux.HandleFunc("POST /simulator/corrections", e.changeMeter(func(r *http.Request, m *Meter) error {
		c := Correction{At: e.options.Now(), Direction: meter.Direction(r.FormValue("direction"))}
		var err error
		if c.Day, err = meter.ParseDay(r.FormValue("day")); err != nil {
			return err
		}
		if percent := r.FormValue("percent"); percent != "" {
			if c.Percent, err = strconv.ParseInt(percent, 10, 64); err != nil || c.Percent < 1 {
				return fmt.Errorf("percent %q: want a number above 0", percent)
			}
		}
		m.Corrections = append(slices.Clip(m.Corrections), c)
		return nil
	}))
	e.mux.HandleFunc("POST /simulator/holes", e.changeMeter(func(r *http.Request, m *Meter) error {
		day, err := meter.ParseDay(r.FormValue("day"))
		if err != nil {
			return err
		}
		m.Holes = append(slices.Clip(m.Holes), Hole{
			Days:      meter.Days{From: day, To: day + 1},
			Direction: meter.Direction(r.FormValue("direction")), Measure: meter.Measure(r.FormValue("measure")),
		})
		return nil
	}))
	e.mux.HandleFunc("DELETE /simulator/holes", e.changeMeter(func(_ *http.Request, m *Meter) error {
		m.Holes = nil
		return nil
	}))
}

// changeMeter changes the meter that the request names, or says what is wrong with the request.
func (e *Enedis) changeMeter(change func(*http.Request, *Meter) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m, known := e.Meter(meter.PRM(r.FormValue("prm")))
		err := errors.New("prm: there is no such meter")
		if known {
			err = change(r, &m)
		}
		if err != nil {
			jsonAnswer(http.StatusBadRequest, typeJSON, adminError{err.Error()}).write(w)
			return
		}
		e.SetMeter(m)
		e.listMeters(w, r)
	}
}
