package contract_test

import (
	"testing"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
)

// BenchmarkDocuments is the start of a bridge, per meter: both directions, three years of days.
func BenchmarkDocuments(b *testing.B) {
	m := meterOf(b, run(b, "2023-11-22", "2026-11-21"), consumption, production)
	m.Arrivals = arrivals(day(b, "2026-11-21"), repeat(14, 511)...)
	now := instant(b, "2026-11-22T08:31:07+01:00")
	b.ReportAllocs()
	for b.Loop() {
		m.Documents(topics, contract.French, now)
	}
}
