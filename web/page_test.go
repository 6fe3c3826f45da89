package web_test

import (
	"errors"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/web"
)

func TestPage(t *testing.T) {
	for file, locale := range map[string]contract.Locale{"page.fr.golden.html": contract.French, "page.en.golden.html": contract.English} {
		t.Run(file, func(t *testing.T) {
			status, body := get(t, server(t, home(), func(o *web.Options) { o.Locale = locale }), "/")
			require.Equal(t, http.StatusOK, status)
			golden(t, file, body)
			requireNoPRM(t, body)
			require.NotRegexp(t, `(src|href|action)="(/|https?:)`, body, "links are relative: the page may stand below a path")
			require.NotContains(t, body, "<script")
		})
	}
}

func TestPageWithoutMeters(t *testing.T) {
	f := home()
	f.meters = nil
	status, body := get(t, server(t, f), "/")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "Aucun compteur")
}

func TestPageHidesAPRMThatIsAName(t *testing.T) {
	f := home()
	f.meters[0].Name = string(house)
	s := server(t, f)
	_, body := get(t, s, "/")
	requireNoPRM(t, body)
	_, body = get(t, s, "/metrics")
	requireNoPRM(t, body)
}

func TestPageWhileTheStoreFails(t *testing.T) {
	f := home()
	f.fail = errors.New("disk I/O error")
	status, body := get(t, server(t, f), "/")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.NotContains(t, body, "disk")
}

func TestPageIsThereAloneAtItsPath(t *testing.T) {
	status, _ := get(t, server(t, home()), "/elsewhere")
	require.Equal(t, http.StatusNotFound, status)
}

func requireNoPRM(t *testing.T, body string) {
	t.Helper()
	require.Empty(t, regexp.MustCompile(`[0-9]{14}`).FindAllString(body, -1))
}
