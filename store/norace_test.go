//go:build !race

package store

// orders is how many orders of batches are tried.
const orders = 30
