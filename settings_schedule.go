package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func (env environment) checkSchedule(p *problems) bridge.Schedule {
	var s bridge.Schedule
	from, to, _ := strings.Cut(env.FetchWindow, "-")
	start, errStart := minuteOfDay(from)
	end, errEnd := minuteOfDay(to)
	if end == 0 {
		end = 24 * 60
	}
	if errStart != nil || errEnd != nil || end <= start {
		p.add("FETCH_WINDOW", "%q: want HH:MM-HH:MM within one day, as in 07:00-09:00 or 00:00-24:00", env.FetchWindow)
	}
	s.WindowStart, s.WindowEnd = start, end
	d, err := time.ParseDuration(env.RetryInterval)
	if err != nil || d < time.Second || d > 24*time.Hour {
		p.add("RETRY_INTERVAL", "%q: want a duration from 1s to 24h, as in 30m", env.RetryInterval)
	}
	s.RetryInterval = d
	until, err := minuteOfDay(env.RetryUntil)
	if err != nil {
		p.add("RETRY_UNTIL", "%q: want HH:MM", env.RetryUntil)
	}
	s.RetryUntil = until
	return s
}

// minuteOfDay takes HH:MM, up to 24:00.
func minuteOfDay(text string) (int, error) {
	hour, minute, ok := strings.Cut(strings.TrimSpace(text), ":")
	h, errHour := strconv.Atoi(hour)
	m, errMinute := strconv.Atoi(minute)
	if !ok || errHour != nil || errMinute != nil || h < 0 || m < 0 || m > 59 || h*60+m > 24*60 {
		return 0, fmt.Errorf("%q is no time of day", text)
	}
	return h*60 + m, nil
}

func parseHistory(text string, now time.Time, p *problems) bridge.History {
	switch text {
	case "":
		return bridge.History{}
	case "max":
		return bridge.History{Max: true}
	}
	day, err := meter.ParseDay(text)
	if err != nil || day >= meter.DayOf(now) {
		p.add("HISTORY_START", "%q: want a day before today as YYYY-MM-DD, or max", text)
	}
	return bridge.History{From: day}
}
