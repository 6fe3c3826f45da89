package contract

import "github.com/enedis2mqtt/enedis2mqtt/meter"

// Consented is what came of a customer's way to Enedis's consent page.
type Consented struct {
	Status ConsentStatus
	Meters []meter.PRM // that the consent opens, when it is granted
	Detail string      // what the page or the source said, for people; it holds no whole PRM
}

// ConsentStatus is how far a consent has come.
type ConsentStatus string

// The statuses.
const (
	ConsentGranted ConsentStatus = "granted" // its meters are served
	ConsentPending ConsentStatus = "pending" // given, and Enedis does not know its services yet: asked again without anybody's doing
	ConsentRefused ConsentStatus = "refused" // by the customer
	ConsentFailed  ConsentStatus = "failed"  // the page failed, or what came back cannot be read
)
