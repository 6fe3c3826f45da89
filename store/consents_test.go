package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestConsents(t *testing.T) {
	s := open(t, t.TempDir())
	consents := func() []Consent {
		all, err := s.Consents(t.Context())
		require.NoError(t, err)
		return all
	}
	save := func(c Consent) Consent {
		require.NoError(t, s.SaveConsent(t.Context(), c))
		return c
	}
	require.Empty(t, consents())

	second := save(Consent{PRM: "20000000000000", Source: dataconnect, GrantedAt: noon, Until: yesterday + 1096})
	third := save(Consent{
		PRM: "10000000000000", Source: dataconnect, GrantedAt: noon,
		Directions: []meter.Direction{meter.Consumption, meter.Production},
	})
	first := save(Consent{
		PRM: "30000000000000", Source: dataconnect, GrantedAt: noon.Add(-time.Millisecond), Directions: []meter.Direction{},
	})
	other := save(Consent{PRM: "30000000000000", Source: "consoapi", GrantedAt: noon.Add(time.Hour)})
	require.Equal(t, []Consent{first, second, third, other}, consents(), "the first granted, and of one instant the first saved")

	first.GrantedAt, first.Until, first.Directions = noon.Add(24*time.Hour), yesterday+1097, []meter.Direction{meter.Production}
	save(first)
	second.Until = 0
	save(second)
	require.Equal(t, []Consent{first, second, third, other}, consents(), "a renewal keeps its place")
}

func TestAuthorisations(t *testing.T) {
	s := open(t, t.TempDir())
	authorisations := func() []Authorisation {
		all, err := s.Authorisations(t.Context())
		require.NoError(t, err)
		return all
	}
	require.Empty(t, authorisations())

	newer := Authorisation{
		Source: dataconnect, Back: "code=a&state=x&usage_point_id=09876543210987",
		GivenAt: noon, Tries: 1, NextAt: noon.Add(30 * time.Minute),
	}
	older := Authorisation{Source: dataconnect, Back: "code=b&state=y", GivenAt: noon.Add(-time.Hour)}
	elsewhere := Authorisation{Source: "consoapi", Back: older.Back, GivenAt: noon.Add(time.Hour)}
	for _, a := range []Authorisation{newer, older, elsewhere} {
		require.NoError(t, s.SaveAuthorisation(t.Context(), a))
	}
	require.Equal(t, []Authorisation{older, newer, elsewhere}, authorisations())

	older.Tries, older.NextAt = 2, noon.Add(time.Hour)
	require.NoError(t, s.SaveAuthorisation(t.Context(), older))
	require.NoError(t, s.DeleteAuthorisation(t.Context(), dataconnect, newer.Back))
	require.NoError(t, s.DeleteAuthorisation(t.Context(), "sge", older.Back), "nothing to delete is no error")
	require.Equal(t, []Authorisation{older, elsewhere}, authorisations())
}
