//go:build !race

package bridge_test

// yearOfDays is how long the year on Conso API is.
const yearOfDays = 365

// lives is how many lives with trouble are led.
const lives = 10
