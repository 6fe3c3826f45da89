package mqtt

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPaceOfAttempts(t *testing.T) {
	tests := map[string]struct {
		before  []outcome
		longest time.Duration
		want    time.Duration
	}{
		"at first":                            {longest: longestRetry, want: time.Second},
		"after a failure":                     {before: []outcome{notReached}, longest: longestRetry, want: 2 * time.Second},
		"after many failures":                 {before: repeat(notReached, 1000), longest: longestRetry, want: 10 * time.Second},
		"with a shorter interval":             {before: repeat(notReached, 3), longest: time.Second, want: time.Second},
		"while each connection breaks young":  {before: repeat(brokeIdle, 5), longest: longestRetry, want: 10 * time.Second},
		"while messages break the connection": {before: repeat(brokeBusy, 5), longest: longestRetry, want: 10 * time.Second},
		"after a good connection":             {before: append(repeat(notReached, 9), broke), longest: longestRetry, want: time.Second},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var p pace
			for _, o := range tc.before {
				p.note(o)
			}
			require.Equal(t, tc.want, p.pause(tc.longest))
		})
	}
}

func repeat(o outcome, n int) []outcome {
	all := make([]outcome, n)
	for i := range all {
		all[i] = o
	}
	return all
}

func TestSuspects(t *testing.T) {
	a, b := sumOf("a", []byte("x")), sumOf("b", []byte("x"))
	both := []sum{a, b}
	tests := map[string]struct {
		breaks [][]sum
		acks   []sum // before the last break
		want   verdict
	}{
		"of nothing yet":                     {want: free},
		"in flight once":                     {breaks: [][]sum{both}, want: free},
		"in flight twice":                    {breaks: [][]sum{both, both}, want: alone},
		"in flight often, never alone":       {breaks: [][]sum{both, both, both, both, both, both}, want: alone},
		"alone at a third break":             {breaks: [][]sum{both, both, {a}}, want: alone},
		"alone at a fourth break":            {breaks: [][]sum{both, both, {a}, {a}}, want: refused},
		"always alone":                       {breaks: [][]sum{{a}, {a}, {a}, {a}}, want: refused},
		"acknowledged before the last break": {breaks: [][]sum{both, both, {a}, {a}}, acks: []sum{a}, want: free},
		"another is alone at the breaks":     {breaks: [][]sum{both, both, {b}, {b}}, want: alone},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSuspects()
			for i, broke := range tc.breaks {
				if i == len(tc.breaks)-1 {
					for _, m := range tc.acks {
						s.clear(m)
					}
				}
				s.strike(broke)
			}
			require.Equal(t, tc.want, s.verdict(a))
			require.Equal(t, free, s.verdict(sumOf("a", []byte("y"))), "another body is another message")
		})
	}
}

func TestSuspectsForgetRatherThanGrow(t *testing.T) {
	s := newSuspects()
	for i := range 3 * mostSuspects {
		s.strike([]sum{sumOf("a", []byte{byte(i), byte(i >> 8), byte(i >> 16)})})
	}
	require.LessOrEqual(t, len(s.strikes), mostSuspects)
}

func TestSumTellsTopicFromBody(t *testing.T) {
	require.NotEqual(t, sumOf("ab", []byte("c")), sumOf("a", []byte("bc")))
}

func TestShortHidesPRMs(t *testing.T) {
	for topic, want := range map[string]string{
		"enedis2mqtt/09876543210987/state":                             "enedis2mqtt/…0987/state",
		"homeassistant/device/enedis2mqtt_09876543210987/config":       "homeassistant/device/enedis2mqtt_…0987/config",
		"enedis2mqtt/bridge/state":                                     "enedis2mqtt/bridge/state",
		"enedis2mqtt/09876543210987/response/11111111112222":           "enedis2mqtt/…0987/response/…2222",
		"homeassistant/sensor/enedis2mqtt_09876543210987_daily/config": "homeassistant/sensor/enedis2mqtt_…0987_daily/config",
	} {
		require.Equal(t, want, short(topic))
	}
}
