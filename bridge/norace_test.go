//go:build !race

package bridge_test

// daysOnConsoAPI is how many days of life with Conso API are tested: half a year, with one change of the clock.
const daysOnConsoAPI = 183

// lives is how many lives with trouble are led.
const lives = 10
