package enedistest

import (
	"fmt"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Household gives n meters that are ready to use. The first four are a consumption meter, a self-consumption meter, one
// of production alone, and one without a curve; the others are consumption meters with invented PRMs, one in three of
// them with a flat tariff. The same n gives the same meters.
func Household(n int) []Meter {
	meters := []Meter{
		{PRM: "09876543210987"},
		{
			PRM:        "33000000000033",
			Kind:       SelfConsumer,
			Activation: map[meter.Direction]meter.Day{meter.Production: meter.NewDay(2021, time.April, 15)},
			Contract:   Contract{KVA: 12},
		},
		{PRM: "22000000000022", Kind: Producer},
		{PRM: "44000000000044", Kind: NoCurve, Contract: flat(6)},
	}
	for i := len(meters); i < n; i++ {
		m := Meter{PRM: meter.PRM(fmt.Sprintf("0987%010d", i))}
		if i%3 == 0 {
			m.Contract = flat(6)
		}
		meters = append(meters, m)
	}
	return meters[:max(0, n)]
}

// flat is a contract without off-peak hours.
func flat(kva int) Contract {
	return Contract{KVA: kva, Tariff: "Tarif BT<=36kVA Courte Utilisation", TariffCode: "BTINFCUST"}
}
