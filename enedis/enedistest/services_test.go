package enedistest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// services asks what a consent gives, and sums the rows up as "PRM measure direction state".
func services(t *testing.T, c *client, body string) []string {
	t.Helper()
	r := c.post(t, "/subscribed_services/v1/", "application/json", body)
	require.Equal(t, http.StatusOK, r.status, r.body)
	var answer struct {
		NbTotalServices int
		ServiceSouscrit []struct {
			PointID         string
			Injection       bool
			EtatCode        string
			MesuresTypeCode string
			MesuresPas      string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(r.body), &answer))
	require.Len(t, answer.ServiceSouscrit, answer.NbTotalServices)
	var rows []string
	for _, s := range answer.ServiceSouscrit {
		rows = append(rows, fmt.Sprintf(
			"%s %s %s %v %s", s.PointID[10:], s.MesuresTypeCode, s.MesuresPas, s.Injection, s.EtatCode))
	}
	return rows
}

func TestServicesOfAConsent(t *testing.T) {
	cases := map[string]struct {
		meter enedistest.Meter
		ask   string // after the authorisation's id
		want  []string
	}{
		"of a consumer": {enedistest.Meter{PRM: consumer}, ``, []string{
			"0987 CDC PT30M false ACTIF", "0987 PMAX P1D false ACTIF", "0987 IDX P1D false ACTIF",
			"0987 ENERGIE P1D false ACTIF", "0987 ITC NA false ACTIF",
		}},
		"of a producer": {enedistest.Meter{PRM: producer, Kind: enedistest.Producer, Step: 10 * minute}, ``, []string{
			"0022 CDC PT10M true ACTIF", "0022 ENERGIE P1D true ACTIF",
		}},
		"of self-consumption, production alone": {
			enedistest.Meter{PRM: selfConsumer, Kind: enedistest.SelfConsumer},
			`,"injection":true,"mesureTypeCode":["CDC"]`,
			[]string{"0033 CDC PT30M true ACTIF"},
		},
		"without curve": {enedistest.Meter{PRM: noCurve, Kind: enedistest.NoCurve}, `,"mesureTypeCode":["CDC"]`, nil},
		"not ready":     {enedistest.Meter{PRM: consumer, ServicesFrom: noon().Add(time.Minute)}, ``, nil},
		"revoked":       {enedistest.Meter{PRM: consumer, RevokedAt: noon()}, ``, nil},
		"revoked, and asked for": {
			enedistest.Meter{PRM: producer, Kind: enedistest.Producer, RevokedAt: noon()},
			`,"etatCode":["TERMINE"]`,
			[]string{"0022 CDC PT30M true TERMINE", "0022 ENERGIE P1D true TERMINE"},
		},
		"requested": {
			enedistest.Meter{PRM: producer, Kind: enedistest.Producer, ConsentFrom: meter.NewDay(2026, 12, 1)},
			``,
			[]string{"0022 CDC PT30M true DEMANDE", "0022 ENERGIE P1D true DEMANDE"},
		},
		"of another point":   {enedistest.Meter{PRM: consumer}, `,"pointId":["22000000000022"]`, nil},
		"of another service": {enedistest.Meter{PRM: consumer}, `,"serviceType":"CCDC"`, nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := dial(t, with(tc.meter))
			ask := fmt.Sprintf(`{"comptage":false,"autorisationId":%d%s}`, tc.meter.AuthorisationID(), tc.ask)
			require.Equal(t, tc.want, services(t, c, ask))
		})
	}
}

func TestServicesThatAreNotReady(t *testing.T) {
	r := dial(t, fixture()).post(t, "/subscribed_services/v1/", "application/json", `{"comptage":false,"autorisationId":1}`)
	require.JSONEq(t, sample(t, "2026/subscribed_services_response_not_ready"), r.body)
}

func TestServicesByPointAndByCount(t *testing.T) {
	c := dial(t, fixture())
	require.Len(t, services(t, c, `{"comptage":false,"pointId":["22000000000022"]}`), 2)
	require.Empty(t, services(t, c, `{"comptage":false,"siren":["000000000"]}`))
	r := c.post(t, "/subscribed_services/v1/", "application/json; charset=utf-8",
		`{"comptage":true,"pointId":["22000000000022"]}`)
	require.JSONEq(t, `{"nbTotalServices":2}`, r.body)
}

func TestServicesRefuse(t *testing.T) {
	c := dial(t, fixture())
	for name, body := range map[string]string{
		"no count":            `{"autorisationId":1}`,
		"no selector":         `{"comptage":false}`,
		"an unknown key":      `{"comptage":false,"autorisationId":1,"autorisation_id":1}`,
		"an id in a string":   `{"comptage":false,"autorisationId":"1"}`,
		"more than an object": `{"comptage":false,"autorisationId":1}{}`,
		"no JSON":             `comptage=false`,
	} {
		t.Run(name, func(t *testing.T) {
			r := c.post(t, "/subscribed_services/v1/", "application/json", body)
			require.Equal(t, http.StatusInternalServerError, r.status)
		})
	}
	r := c.post(t, "/subscribed_services/v1/", "text/plain", `{"comptage":false,"autorisationId":1}`)
	require.Equal(t, http.StatusInternalServerError, r.status)
}
