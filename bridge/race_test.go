//go:build race

package bridge_test

// daysOnConsoAPI is a month under the race detector, which looks at how goroutines meet and makes each day ten times as long.
const daysOnConsoAPI = 31

// lives is how many lives with trouble are led, for the same reason.
const lives = 2
