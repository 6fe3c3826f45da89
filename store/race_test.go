//go:build race

package store

// orders is how many orders of batches are tried under the race detector, which makes SQLite ten times as slow.
const orders = 4
