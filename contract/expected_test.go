package contract_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func repeat(n, minutes int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = minutes
	}
	return list
}

func TestExpectedAt(t *testing.T) {
	const fourDays = 4 * 24 * 60
	tests := map[string]struct {
		now   string
		green bool // yesterday is complete
		past  []int
		want  string
	}{
		"no arrival is known": {now: "2026-11-22T07:00:00+01:00", want: "2026-11-22T10:00:00+01:00"},
		"four arrivals are too few": {
			now: "2026-11-22T07:00:00+01:00", past: repeat(4, 500), want: "2026-11-22T10:00:00+01:00",
		},
		"five are enough": {now: "2026-11-22T07:00:00+01:00", past: repeat(5, 500), want: "2026-11-22T08:20:00+01:00"},
		"the 4th of 5 is the 80th percentile": {
			now: "2026-11-22T07:00:00+01:00", past: []int{600, 500, 520, 510, 900}, want: "2026-11-22T10:00:00+01:00",
		},
		"the 5th of 6": {
			now: "2026-11-22T07:00:00+01:00", past: []int{500, 510, 520, 530, 540, 900}, want: "2026-11-22T09:00:00+01:00",
		},
		"the 12th of 14": {
			now:  "2026-11-22T07:00:00+01:00",
			past: []int{490, 500, 510, 520, 530, 540, 550, 560, 570, 580, 590, 600, 800, 900},
			want: "2026-11-22T10:00:00+01:00",
		},
		"the last 14 count": {
			now: "2026-11-22T07:00:00+01:00", past: append(repeat(20, 1200), repeat(14, 500)...), want: "2026-11-22T08:20:00+01:00",
		},
		"what was 3 days late and more does not count": {
			now: "2026-11-22T07:00:00+01:00", past: append(repeat(5, 500), repeat(14, fourDays)...), want: "2026-11-22T08:20:00+01:00",
		},
		"without those, four are too few": {
			now: "2026-11-22T07:00:00+01:00", past: append(repeat(4, 500), 4321, 4321), want: "2026-11-22T10:00:00+01:00",
		},
		"3 days late to the minute counts": {
			now: "2026-11-22T07:00:00+01:00", past: repeat(5, 4320), want: "2026-11-25T00:00:00+01:00",
		},
		"a multiple of 5 stays": {now: "2026-11-22T07:00:00+01:00", past: repeat(5, 510), want: "2026-11-22T08:30:00+01:00"},
		"one minute more is rounded up": {
			now: "2026-11-22T07:00:00+01:00", past: repeat(5, 511), want: "2026-11-22T08:35:00+01:00",
		},
		"never before 08:00": {now: "2026-11-22T07:00:00+01:00", past: repeat(5, 431), want: "2026-11-22T08:00:00+01:00"},
		"once it is there, tomorrow's": {
			now: "2026-11-22T08:31:00+01:00", green: true, past: repeat(5, 511), want: "2026-11-23T08:35:00+01:00",
		},
		"once it is there, tomorrow's, with few arrivals": {
			now: "2026-11-22T08:31:00+01:00", green: true, want: "2026-11-23T10:00:00+01:00",
		},
		"a meter that is always a day later": {
			now: "2026-11-22T12:00:00+01:00", past: repeat(14, 24*60+540), want: "2026-11-23T09:00:00+01:00",
		},
		"on March's Sunday the minutes are elapsed ones": {
			now: "2026-03-29T07:00:00+02:00", past: repeat(5, 540), want: "2026-03-29T10:00:00+02:00",
		},
		"on March's Sunday 10:00 is by the clock": {now: "2026-03-29T07:00:00+02:00", want: "2026-03-29T10:00:00+02:00"},
		"on October's Sunday the minutes are elapsed ones": {
			now: "2026-10-25T07:00:00+01:00", past: repeat(5, 600), want: "2026-10-25T09:00:00+01:00",
		},
		"on October's Sunday 08:00 is by the clock": {
			now: "2026-10-25T07:00:00+01:00", past: repeat(5, 495), want: "2026-10-25T08:00:00+01:00",
		},
		"on October's Sunday 10:00 is by the clock": {now: "2026-10-25T07:00:00+01:00", want: "2026-10-25T10:00:00+01:00"},
		"on New Year's Day":                         {now: "2027-01-01T00:00:00+01:00", past: repeat(5, 505), want: "2027-01-01T08:25:00+01:00"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			now := instant(t, tc.now)
			yesterday := meter.DayOf(now) - 1
			through := yesterday - 1
			if tc.green {
				through = yesterday
			}
			m := meterOf(t, meter.Days{From: yesterday - 20, To: through + 1}, consumption)
			m.Arrivals = arrivals(through, tc.past...)
			l := m.Light(contract.French, now)
			require.Equal(t, tc.green, l.Level == contract.Green)
			require.Equal(t, tc.want, l.ExpectedAt.Format(time.RFC3339))
		})
	}
}

// A meter whose data always come a day later is red for ever, and never late: late means later than is its habit.
func TestAMeterThatIsAlwaysADayLaterIsNotLate(t *testing.T) {
	for now := instant(t, "2026-11-22T00:00:00+01:00"); now.Before(instant(t, "2026-11-26T00:00:00+01:00")); now = now.Add(15 * time.Minute) {
		today := meter.DayOf(now)
		newest := today - 2
		if now.Before(today.Start().Add(9 * time.Hour)) {
			newest-- // what was measured two days ago comes at 09:00
		}
		m := meterOf(t, meter.Days{From: today - 30, To: newest + 1}, consumption)
		m.Arrivals = arrivals(newest, repeat(14, 24*60+540)...)
		l := m.Light(contract.French, now)
		require.Equal(t, contract.Red, l.Level)
		require.False(t, l.Late)
		require.Equal(t, (today + 1).Start().Add(9*time.Hour), l.ExpectedAt.Time, "the day after")
	}
}
