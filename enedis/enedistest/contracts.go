package enedistest

import (
	"net/http"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// contract answers a resource of contract data: the PRM in the path in 2026, as usage_point_id in v5.
func (e *Enedis) contract(write func(Meter) (body any, ok bool)) func(*query) answer {
	return func(q *query) answer {
		if no := q.checkContract(); no != nil {
			return no.answer()
		}
		m, known := e.Meter(q.prm)
		if !known {
			return unknownPoint(q).answer()
		}
		if no := refuseHolder(q, m); no != nil {
			return no.answer()
		}
		body, ok := write(m)
		if !ok {
			return unknownUser().answer()
		}
		return jsonAnswer(http.StatusOK, typeOctet, body)
	}
}

// checkContract checks the parameters. In 2026 a PRM as a query parameter gives 500, as any malformed request does.
func (q *query) checkContract() *refusal {
	switch {
	case q.dialect == v2026 && (q.prm == "" || !q.knowsOnly()):
		return malformed()
	case q.dialect == v2026:
		return nil
	case !q.knowsOnly("usage_point_id"):
		return invalidRequest("The request has an unknown or repeated parameter.")
	}
	return q.checkPointV5()
}

// The invented customer of every meter.
const (
	customerID = "1234567890"
	street     = "12 RUE DE L EXEMPLE"
	postalCode = "38000"
	city       = "GRENOBLE"
	inseeCode  = "38185"
	lastName   = "EXEMPLE"
	firstName  = "CAMILLE"
	phone      = "0600000000"
	landline   = "0400000000"
	email      = "camille@example.org"
	supplier   = "FOURNISSEUR EXEMPLE"
	withdrawal = "Contrat GRD-F" // "soutirage"
	injection  = "Contrat GRD-A"
	segmentC5  = "C5" // consumption up to 36 kVA
	segmentP4  = "P4" // production up to 36 kVA
)

// segmentOf is the segment of a direction up to 36 kVA.
func segmentOf(d meter.Direction) string {
	if d == meter.Production {
		return segmentP4
	}
	return segmentC5
}
