package enedistest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// The meters of enedistest.Household, and nobody's.
const (
	consumer     = meter.PRM("09876543210987")
	selfConsumer = meter.PRM("33000000000033")
	producer     = meter.PRM("22000000000022")
	noCurve      = meter.PRM("44000000000044")
	nobody       = meter.PRM("11111111111111")
)

// noon is the instant at which most tests take place: 22 November 2026 in Paris, when yesterday is published.
func noon() time.Time { return time.Date(2026, time.November, 22, 12, 0, 0, 0, meter.Paris()) }

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

// fixture is an Enedis at noon with a household of four, without limits of calls.
func fixture(change ...func(*enedistest.Options)) *enedistest.Enedis {
	o := enedistest.Options{
		Now:          at(noon()),
		ClientID:     "id",
		ClientSecret: "secret",
		Meters:       enedistest.Household(4),
		Limits: enedistest.Limits{
			CallsPerSecond: enedistest.Unlimited, CallsPerHour2026: enedistest.Unlimited, CallsPerHourV5: enedistest.Unlimited,
		},
	}
	for _, c := range change {
		c(&o)
	}
	return enedistest.New(o)
}

// with is a fixture with one meter.
func with(m enedistest.Meter) *enedistest.Enedis {
	return fixture(func(o *enedistest.Options) { o.Meters = []enedistest.Meter{m} })
}

// client talks to an Enedis in memory.
type client struct {
	*http.Client
	token string
}

// reply is an answer that was read.
type reply struct {
	status int
	header http.Header
	body   string
}

func dial(t *testing.T, e *enedistest.Enedis) *client {
	t.Helper()
	c := &client{Client: &http.Client{Transport: e.Transport()}}
	c.renew(t)
	return c
}

// renew takes a new token.
func (c *client) renew(t *testing.T) {
	t.Helper()
	r := c.post(t, "/oauth2/v3/token", "application/x-www-form-urlencoded",
		"grant_type=client_credentials&client_id=id&client_secret=secret")
	require.Equal(t, http.StatusOK, r.status, r.body)
	var token struct {
		AccessToken string `json:"access_token"`
	}
	require.NoError(t, json.Unmarshal([]byte(r.body), &token))
	c.token = token.AccessToken
}

func (c *client) post(t *testing.T, path, contentType, body string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://enedis.test"+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", contentType)
	return c.do(t, req)
}

func (c *client) get(t *testing.T, path string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://enedis.test"+path, nil)
	require.NoError(t, err)
	return c.do(t, req)
}

func (c *client) do(t *testing.T, req *http.Request) reply {
	t.Helper()
	if c.token != "" && !strings.HasPrefix(req.URL.Path, "/oauth2/") {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return reply{status: resp.StatusCode, header: resp.Header, body: string(body)}
}

const mesures = "/mesure_synchrone_auto/v2/"

// path2026 is a request for measures in the form of 2026; extra are further parameters.
func path2026(name string, prm meter.PRM, from, to string, extra ...string) string {
	q := url.Values{"pointId": {string(prm)}, "dateDebut": {from}, "dateFin": {to}}
	for i := 0; i < len(extra); i += 2 {
		q.Add(extra[i], extra[i+1])
	}
	return mesures + name + "?" + q.Encode()
}

// pathV5 is a request for measures in the form of v5.
func pathV5(path string, prm meter.PRM, from, to string) string {
	return path + "?" + url.Values{"usage_point_id": {string(prm)}, "start": {from}, "end": {to}}.Encode()
}

func sample(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)+".json"))
	require.NoError(t, err)
	return string(b)
}

func day(t *testing.T, s string) meter.Day {
	t.Helper()
	d, err := meter.ParseDay(s)
	require.NoError(t, err)
	return d
}
