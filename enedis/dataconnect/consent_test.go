package dataconnect_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestConsentURL(t *testing.T) {
	tests := map[string]struct {
		change func(*dataconnect.Options)
		want   string
	}{
		"Enedis's page of 2026": {
			func(*dataconnect.Options) {},
			"https://mon-compte-particulier.enedis.fr/dataconnect/v2/oauth2/authorize" +
				"?client_id=an+id&duration=P3Y&response_type=code&state=a%26b",
		},
		"Enedis's page of v5": {
			func(o *dataconnect.Options) { o.Version = dataconnect.V5 },
			"https://mon-compte-particulier.enedis.fr/dataconnect/v1/oauth2/authorize" +
				"?client_id=an+id&duration=P3Y&response_type=code&state=a%26b",
		},
		"another page, with a query of its own": {
			func(o *dataconnect.Options) {
				o.AuthorizeURL, o.Duration = "http://localhost:8098/v2/authorize?redirect_uri=http%3A%2F%2Fx%2Fcb&state=old", "P6M"
			},
			"http://localhost:8098/v2/authorize" +
				"?client_id=an+id&duration=P6M&redirect_uri=http%3A%2F%2Fx%2Fcb&response_type=code&state=a%26b",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := dataconnect.Options{
				BaseURL: "https://enedis.example", Version: dataconnect.V2026, ClientID: "an id", ClientSecret: "topsecret",
			}
			test.change(&o)
			client, err := dataconnect.New(o)
			require.NoError(t, err)
			require.Equal(t, test.want, client.ConsentURL("a&b"))
			require.Equal(t, test.want, client.ConsentURL("a&b"), "the address that was given stays as it was")
		})
	}
}

func TestNewChecksTheOptionsOfConsents(t *testing.T) {
	for name, change := range map[string]func(*dataconnect.Options){
		"no scheme":      func(o *dataconnect.Options) { o.AuthorizeURL = "enedis.example/authorize" },
		"another scheme": func(o *dataconnect.Options) { o.AuthorizeURL = "javascript://enedis.example/" },
		"no host":        func(o *dataconnect.Options) { o.AuthorizeURL = "https:///authorize" },
		"a fragment":     func(o *dataconnect.Options) { o.AuthorizeURL = "https://enedis.example/#authorize" },
		"a broken query": func(o *dataconnect.Options) { o.AuthorizeURL = "https://enedis.example/?a=%zz" },
		"a duration":     func(o *dataconnect.Options) { o.Duration = "P4Y" },
	} {
		t.Run(name, func(t *testing.T) {
			o := dataconnect.Options{
				BaseURL: "https://enedis.example", Version: dataconnect.V2026, ClientID: "id", ClientSecret: "topsecret",
			}
			change(&o)
			_, err := dataconnect.New(o)
			require.Error(t, err)
		})
	}
}

// The PRMs of the samples, and an end three years after the fake's 22 November 2026.
const inThreeYears = "2029-11-21"

func granted(until string, prms ...meter.PRM) []enedis.Grant {
	var grants []enedis.Grant
	for _, prm := range prms {
		grants = append(grants, enedis.Grant{PRM: prm, Until: day(until)})
	}
	return grants
}

func TestGrantsOfTheSampleRedirects(t *testing.T) {
	var samples map[string]string
	require.NoError(t, json.Unmarshal([]byte(sample(t, "consent/authorize_redirects.json")), &samples))
	tests := map[string]struct {
		grants  []enedis.Grant
		failure *enedis.ConsentError
	}{
		"v5_one":           {grants: granted(inThreeYears, consumer)},
		"v5_two_semicolon": {grants: granted(inThreeYears, consumer, producer)},
		"v5_two_comma":     {grants: granted(inThreeYears, consumer, producer)},
		"v5_refused": {failure: &enedis.ConsentError{
			Refused: true, Code: "access_denied: authorization_request_refused",
		}},
		"v5_server_error": {failure: &enedis.ConsentError{Code: "server_error: lincs-internal-server-error"}},
		"v2026_ok": {grants: []enedis.Grant{{
			PRM: consumer, Directions: []meter.Direction{meter.Consumption}, Until: day("2029-10-19"),
		}}},
		"v2026_failed": {failure: &enedis.ConsentError{Code: "invalid_request: demande_non_aboutie"}},
	}
	require.Len(t, samples, len(tests))
	for name, test := range tests {
		for _, version := range []dataconnect.Version{dataconnect.V2026, dataconnect.V5} {
			t.Run(name+" by "+string(version), func(t *testing.T) {
				page, err := url.Parse(samples[name])
				require.NoError(t, err)
				_, client := newEnedis(t, version, answer(http.StatusOK, sample(t, "2026/subscribed_services_response.json")))
				grants, err := client.Grants(t.Context(), page.Query())
				require.Equal(t, test.grants, grants)
				if test.failure == nil {
					require.NoError(t, err)
					return
				}
				var failure *enedis.ConsentError
				require.ErrorAs(t, err, &failure)
				require.Equal(t, test.failure, failure)
			})
		}
	}
}

func TestGrantsOfWhatThePageNames(t *testing.T) {
	tests := map[string]struct {
		back string
		want []enedis.Grant
		fail string
	}{
		"names in capitals": {
			back: "Code=x&State=y&Usage_Point_ID=09876543210987", want: granted(inThreeYears, consumer),
		},
		"blanks, and one twice": {
			back: "usage_point_id=+09876543210987+%3B%3B09876543210987,", want: granted(inThreeYears, consumer),
		},
		"the parameter twice": {
			back: "usage_point_id=33000000000033&usage_point_id=09876543210987",
			want: granted(inThreeYears, producer, consumer),
		},
		"an error that is empty": {
			back: "error=&usage_point_id=09876543210987", want: granted(inThreeYears, consumer),
		},
		"an authorisation too": {
			back: "autorisation_id=1&usage_point_id=09876543210987", want: granted(inThreeYears, consumer),
		},
		"an authorisation that is empty": {
			back: "autorisation_id=&usage_point_id=09876543210987", want: granted(inThreeYears, consumer),
		},
		"nothing": {fail: "the consent page sent neither usage_point_id nor autorisation_id back"},
		"a code and a state alone": {
			back: "code=x&state=y", fail: "the consent page sent neither usage_point_id nor autorisation_id back",
		},
		"separators alone": {back: "usage_point_id=%3B,", fail: "usage_point_id holds no PRM"},
		"a PRM that is too short": {
			back: "usage_point_id=9876543210987", fail: "usage_point_id holds something else than PRMs of 14 digits",
		},
		"a good PRM and a bad one": {
			back: "usage_point_id=09876543210987%3B1", fail: "usage_point_id holds something else than PRMs of 14 digits",
		},
		"an error first": {back: "usage_point_id=09876543210987&code=500&ERROR=server_error", fail: "server_error"},
		"an error with a PRM in it": {
			back: "error=invalid_request&error_description=point+09876543210987%0Aunknown",
			fail: "invalid_request: point … unknown",
		},
		"a missing parameter": {
			back: "error=invalid_request&error_description=missing_parameter", fail: "invalid_request: missing_parameter",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			back, err := url.ParseQuery(test.back)
			require.NoError(t, err)
			fake, client := newEnedis(t, dataconnect.V5, answer(http.StatusInternalServerError, ``))
			grants, err := client.Grants(t.Context(), back)
			require.Equal(t, test.want, grants)
			require.Empty(t, fake.requests(), "nothing is asked")
			if test.fail == "" {
				require.NoError(t, err)
				return
			}
			var failure *enedis.ConsentError
			require.ErrorAs(t, err, &failure)
			require.Equal(t, &enedis.ConsentError{Code: test.fail}, failure)
		})
	}
}

func TestEitherVersionTakesWhatTheOthersPageSends(t *testing.T) {
	both := url.Values{"usage_point_id": {string(producer)}, "autorisation_id": {"123456789"}}
	tests := map[string]struct {
		version dataconnect.Version
		back    url.Values
		want    meter.PRM
	}{
		"2026 and a PRM":          {dataconnect.V2026, url.Values{"usage_point_id": {string(producer)}}, producer},
		"v5 and an authorisation": {dataconnect.V5, url.Values{"autorisation_id": {"123456789"}}, consumer},
		"2026 and both":           {dataconnect.V2026, both, consumer},
		"v5 and both":             {dataconnect.V5, both, producer},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, client := newEnedis(t, test.version, answer(http.StatusOK, sample(t, "2026/subscribed_services_response.json")))
			grants, err := client.Grants(t.Context(), test.back)
			require.NoError(t, err)
			require.Len(t, grants, 1)
			require.Equal(t, test.want, grants[0].PRM)
		})
	}
}

func TestAConsentLastsFromTodayInParis(t *testing.T) {
	fake, client := newEnedis(t, dataconnect.V5, nil)
	back := url.Values{"usage_point_id": {string(consumer)}}
	fake.pass(12 * time.Hour) // 23:00 UTC is the next day in Paris
	grants, err := client.Grants(t.Context(), back)
	require.NoError(t, err)
	require.Equal(t, granted("2029-11-22", consumer), grants)
}
