package contract_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestMessageTellsOfAConsentThatEndsSoon(t *testing.T) {
	const early, late = "2026-11-22T00:00:00+01:00", "2026-11-22T23:59:59+01:00"
	tests := map[string]struct {
		left            int
		french, english string // of the sentence; empty: there is none
	}{
		"in a year":      {left: 365},
		"in 61 days":     {left: 61},
		"in 60 days":     {left: 60, french: "prend fin le 21/01/2027, dans 60 jours : pensez", english: "ends on 21 January 2027, in 60 days: remember"},
		"in 31 days":     {left: 31, french: "le 23/12/2026, dans 31 jours : pensez", english: "on 23 December 2026, in 31 days: remember"},
		"in 30 days":     {left: 30, french: "le 22/12/2026, dans 30 jours seulement", english: "on 22 December 2026, only in 30 days"},
		"in 8 days":      {left: 8, french: "dans 8 jours seulement", english: "only in 8 days"},
		"in 7 days":      {left: 7, french: "Attention, le consentement prend fin dans 7 jours, le 29/11/2026", english: "Attention, the consent ends in 7 days, on 29 November 2026"},
		"tomorrow":       {left: 1, french: "prend fin demain, le 23/11/2026", english: "ends tomorrow, on 23 November 2026"},
		"today":          {left: 0, french: "prend fin aujourd'hui, le 22/11/2026", english: "ends today, on 22 November 2026"},
		"yesterday":      {left: -1},
		"nobody knows":   {left: -20779}, // day 0
		"in three years": {left: 1094},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			for loc, want := range map[contract.Locale]string{contract.French: tc.french, contract.English: tc.english} {
				for _, now := range []string{early, late} {
					m := meterOf(t, run(t, "2026-11-01", "2026-11-21"), consumption)
					plain := m.Light(loc, instant(t, now)).Message
					m.ConsentEnd = day(t, "2026-11-22") + meter.Day(tc.left)
					l := m.Light(loc, instant(t, now))
					require.Equal(t, contract.Green, l.Level)
					sentence, ok := strings.CutPrefix(l.Message, plain)
					require.True(t, ok, "one more sentence: %s", l.Message)
					require.Contains(t, sentence, want)
					require.Equal(t, want == "", sentence == "", sentence)
				}
			}
		})
	}
}

func TestMessageOfAConsentThatEndsSoonIsOneMoreSentence(t *testing.T) {
	now := instant(t, "2026-11-22T08:31:07+01:00")
	tests := map[string]struct {
		edit func(*contract.Meter)
		said bool
	}{
		"of a red light": {edit: func(m *contract.Meter) { lagAll(*m, 1, contract.Waiting) }, said: true},
		"beside a curve that is not collected": {
			edit: func(m *contract.Meter) { never(*m, consumption, meter.LoadCurve, contract.CurveNotCollected) }, said: true,
		},
		"not of a consent that Enedis no longer knows": {edit: func(m *contract.Meter) { lagAll(*m, 1, contract.ConsentExpired) }},
		"not of a consent that Enedis never knew":      {edit: func(m *contract.Meter) { lagAll(*m, 1, contract.ConsentMissing) }},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			m := meterOf(t, run(t, "2026-11-01", "2026-11-21"), consumption)
			tc.edit(&m)
			plain := m.Light(contract.French, now).Message
			m.ConsentEnd = day(t, "2026-12-01")
			message := m.Light(contract.French, now).Message
			require.True(t, strings.HasPrefix(message, plain))
			require.Equal(t, tc.said, strings.Contains(message, "prend fin le 01/12/2026"), message)
			require.Equal(t, message, m.Light("de", now).Message, "French where the locale is unknown")
		})
	}
}
