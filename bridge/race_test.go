//go:build race

package bridge_test

// yearOfDays is a month under the race detector, which looks at how goroutines meet and makes each day ten times as long.
const yearOfDays = 31

// lives is how many lives with trouble are led, for the same reason.
const lives = 2
