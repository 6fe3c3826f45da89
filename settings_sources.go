package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/consoapi"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/myelectricaldata"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

type enedisSettings struct {
	clientID        string
	clientSecret    secret
	baseURL         string
	api             dataconnect.Version
	authorizeURL    string
	consentDuration string // ISO 8601
}

type consoSettings struct {
	url    string
	tokens []secret
}

type medSettings struct {
	api          myelectricaldata.Version
	url          string
	token        secret               // of all meters that have none of their own; empty: none
	tokens       map[meter.PRM]secret // of single meters
	clientID     string
	clientSecret secret
}

// sourceNames lists what SOURCES may hold, in the order of preference where it is empty.
func sourceNames() []string { return []string{dataconnect.Name, consoapi.Name, myelectricaldata.Name} }

// ready tells whether the credentials of a source are there.
func (s *settings) ready(source string) bool {
	switch source {
	case dataconnect.Name:
		return s.enedis.clientID != "" && s.enedis.clientSecret != ""
	case consoapi.Name:
		return len(s.conso.tokens) > 0
	}
	account := s.med.api == myelectricaldata.V2 && s.med.clientSecret != ""
	return s.med.token != "" || len(s.med.tokens) > 0 || account
}

// credentialsOf names the variables that a source needs.
func credentialsOf(source string, api myelectricaldata.Version) string {
	switch {
	case source == dataconnect.Name:
		return "ENEDIS_CLIENT_ID and ENEDIS_CLIENT_SECRET"
	case source == consoapi.Name:
		return "CONSO_API_TOKEN"
	case api == myelectricaldata.V1:
		return "MYELECTRICALDATA_TOKEN"
	}
	return "MYELECTRICALDATA_CLIENT_ID and MYELECTRICALDATA_CLIENT_SECRET, or MYELECTRICALDATA_TOKEN"
}

// checkSources decides which sources are used, with which credentials, and whether the meters fit them.
func (env environment) checkSources(s *settings, own []ownToken, now time.Time, p *problems) {
	s.enedis, s.conso, s.med = env.checkEnedis(p), env.checkConso(p), env.checkMED(p)
	given := env.givenSources(p)
	s.takeTokens(own, given, p)
	for _, name := range given {
		if !s.ready(name) && !env.half(name) {
			p.add("SOURCES", "%s needs %s: nothing of it is set", name, credentialsOf(name, s.med.api))
		}
	}
	s.sources = given
	if given == nil {
		s.sources = sourceNames()
	}
	s.sources = slices.DeleteFunc(s.sources, func(name string) bool { return !s.ready(name) })
	switch {
	case len(s.sources) > 0:
		s.checkMeters(now, p)
	case given == nil && !slices.ContainsFunc(sourceNames(), env.half): // a half has been told of
		p.add("SOURCES", "there is no way in: give %s (Data Connect), or %s (Conso API), or %s (MyElectricalData)",
			credentialsOf(dataconnect.Name, ""), credentialsOf(consoapi.Name, ""), credentialsOf(myelectricaldata.Name, s.med.api))
	}
}

// givenSources reads SOURCES; nil when it is empty.
func (env environment) givenSources(p *problems) []string {
	var given []string
	for _, name := range strings.FieldsFunc(env.Sources, isSeparator) {
		switch {
		case !slices.Contains(sourceNames(), name):
			p.add("SOURCES", "%q: allowed are %s", name, strings.Join(sourceNames(), ", "))
		case slices.Contains(given, name):
			p.add("SOURCES", "%s stands in it twice", name)
		default:
			given = append(given, name)
		}
	}
	return given
}

// isSeparator tells what stands between the parts of a list: commas and blanks.
func isSeparator(r rune) bool { return r == ',' || unicode.IsSpace(r) }

// half tells whether a source has only a part of the credentials that it needs.
func (env environment) half(source string) bool {
	switch source {
	case dataconnect.Name:
		return (env.EnedisClientID == "") != (env.EnedisClientSecret == "")
	case myelectricaldata.Name:
		v1 := env.MEDAPI == string(myelectricaldata.V1)
		return env.MEDToken == "" && (env.MEDClientID != "" && env.MEDClientSecret == "" || v1 && env.MEDClientSecret != "")
	}
	return false
}

func (env environment) checkEnedis(p *problems) enedisSettings {
	if env.half(dataconnect.Name) {
		if env.EnedisClientID == "" {
			p.add("ENEDIS_CLIENT_ID", "is missing: the client id of your DataHub application")
		} else {
			p.add("ENEDIS_CLIENT_SECRET", "is missing: the secret of your DataHub application")
		}
	}
	checkURL("ENEDIS_BASE_URL", env.EnedisBaseURL, p)
	if env.EnedisAuthorizeURL != "" {
		page, _, _ := strings.Cut(env.EnedisAuthorizeURL, "?") // it may have a query of its own
		checkURL("ENEDIS_AUTHORIZE_URL", page, p)
	}
	if _, err := dataconnect.ParseDuration(env.EnedisConsentDuration); err != nil {
		p.add("ENEDIS_CONSENT_DURATION", "%v", err)
	}
	return enedisSettings{
		clientID: env.EnedisClientID, clientSecret: env.EnedisClientSecret,
		baseURL:      strings.TrimRight(env.EnedisBaseURL, "/"),
		api:          dataconnect.Version(oneOf("ENEDIS_API", env.EnedisAPI, p, string(dataconnect.V2026), string(dataconnect.V5))),
		authorizeURL: env.EnedisAuthorizeURL, consentDuration: env.EnedisConsentDuration,
	}
}

func (env environment) checkConso(p *problems) consoSettings {
	c := consoSettings{url: strings.TrimRight(env.ConsoURL, "/")}
	checkURL("CONSO_API_URL", env.ConsoURL, p)
	for _, token := range strings.FieldsFunc(string(env.ConsoToken), isSeparator) {
		if _, err := consoapi.ParseToken(token); err != nil {
			p.add("CONSO_API_TOKEN", "%v", err)
		}
		c.tokens = append(c.tokens, secret(token))
	}
	return c
}

func (env environment) checkMED(p *problems) medSettings {
	version := oneOf("MYELECTRICALDATA_API", env.MEDAPI, p, string(myelectricaldata.V1), string(myelectricaldata.V2))
	m := medSettings{
		api: myelectricaldata.Version(version), token: secret(strings.TrimSpace(string(env.MEDToken))),
		clientID: env.MEDClientID, clientSecret: env.MEDClientSecret, tokens: make(map[meter.PRM]secret),
	}
	m.url = strings.TrimRight(cmp.Or(env.MEDURL, medURL(m.api)), "/")
	checkURL("MYELECTRICALDATA_URL", m.url, p)
	switch {
	case !env.half(myelectricaldata.Name):
	case m.api == myelectricaldata.V1:
		p.add("MYELECTRICALDATA_TOKEN", "is missing: v1 knows no accounts with a client id and a secret")
	default:
		p.add("MYELECTRICALDATA_CLIENT_SECRET", "is missing: the secret of your MyElectricalData account")
	}
	return m
}

// medURL is the public address of a version of MyElectricalData.
func medURL(v myelectricaldata.Version) string {
	if v == myelectricaldata.V1 {
		return "https://myelectricaldata.fr"
	}
	return "https://www.v2.myelectricaldata.fr/api"
}

// takeTokens gives the tokens of single meters to their sources. One without a source is for the one gateway that there is.
func (s *settings) takeTokens(own []ownToken, given []string, p *problems) {
	gateways := s.gateways(own, given)
	for _, o := range own {
		if o.source == "" && len(gateways) == 1 {
			o.source = gateways[0]
		}
		switch o.source {
		case consoapi.Name:
			if _, err := consoapi.ParseToken(string(o.token)); err != nil {
				p.add("METERS", "the token of the meter %s: %v", o.prm.Short(), err)
			}
			s.conso.tokens = append(s.conso.tokens, o.token)
		case myelectricaldata.Name:
			s.med.tokens[o.prm] = o.token
		case dataconnect.Name:
			p.add("METERS", "the meter %s has a token, but %s knows no tokens of meters", o.prm.Short(), o.source)
		case "":
			p.add("METERS", "the meter %s has a token and no source: want %s or %s",
				o.prm.Short(), consoapi.Name, myelectricaldata.Name)
		}
	}
}

// gateways lists those that a token without a source may be for: those that SOURCES names, else those with credentials.
func (s *settings) gateways(own []ownToken, given []string) []string {
	return slices.DeleteFunc([]string{consoapi.Name, myelectricaldata.Name}, func(name string) bool {
		if given != nil {
			return !slices.Contains(given, name)
		}
		return !s.ready(name) && !slices.ContainsFunc(own, func(o ownToken) bool { return o.source == name })
	})
}

// checkMeters holds the meters against the sources that are used.
func (s *settings) checkMeters(now time.Time, p *problems) {
	for _, m := range s.meters {
		if m.Source != "" && !slices.Contains(s.sources, m.Source) {
			p.add("METERS", "the meter %s wants the source %q: in use are %s",
				m.PRM.Short(), m.Source, strings.Join(s.sources, ", "))
		}
	}
	if slices.Contains(s.sources, consoapi.Name) {
		s.checkConsoMeters(now)
	}
	if slices.Contains(s.sources, myelectricaldata.Name) {
		s.checkMEDMeters(p)
	}
	if len(s.meters) == 0 && s.httpAddr == "" && slices.Equal(s.sources, []string{dataconnect.Name}) {
		s.warnings = append(s.warnings, notice{
			fr: "METERS est vide et il n'y a pas de page (HTTP_ADDR) : personne ne peut y donner son consentement",
			en: "METERS is empty and there is no page (HTTP_ADDR): nobody can consent on it",
		})
	}
}

// asks tells whether a source may be asked for a meter.
func asks(source string, m bridge.Meter) bool { return m.Source == "" || m.Source == source }

// checkConsoMeters warns of tokens that have expired, and of meters that no token names. Tokens that cannot be read have been
// told of.
func (s *settings) checkConsoMeters(now time.Time) {
	named := make(map[meter.PRM]bool)
	for _, text := range s.conso.tokens {
		token, err := consoapi.ParseToken(string(text))
		if err != nil {
			return
		}
		short := make([]string, len(token.PRMs))
		for i, prm := range token.PRMs {
			named[prm], short[i] = true, prm.Short()
		}
		if !token.Expires.IsZero() && !now.Before(token.Expires) {
			whose, day := strings.Join(short, ", "), meter.DayOf(token.Expires)
			s.warnings = append(s.warnings, notice{
				fr: fmt.Sprintf("le jeton Conso API de %s a expiré le %s : consentez à nouveau, puis mettez le nouveau jeton", whose, day),
				en: fmt.Sprintf("the token of Conso API for %s expired on %s: consent again, and set the new token", whose, day),
			})
		}
	}
	for _, m := range s.meters {
		if asks(consoapi.Name, m) && !named[m.PRM] {
			s.unknownAt(consoapi.Name, m.PRM)
		}
	}
}

// checkMEDMeters warns of meters without a token. In v1 a token is of one meter, and does not say of which.
func (s *settings) checkMEDMeters(p *problems) {
	v1, shared := s.med.api == myelectricaldata.V1, 0
	for _, m := range s.meters {
		_, own := s.med.tokens[m.PRM]
		switch {
		case !asks(myelectricaldata.Name, m) || own:
		case s.med.token != "" || !v1 && s.med.clientSecret != "":
			shared++
		default:
			s.unknownAt(myelectricaldata.Name, m.PRM)
		}
	}
	if v1 && shared > 1 {
		s.warnings = append(s.warnings, notice{
			fr: fmt.Sprintf("un jeton de MyElectricalData v1 vaut pour un seul compteur, et %d partagent MYELECTRICALDATA_TOKEN : "+
				"donnez à chacun le sien dans METERS", shared),
			en: fmt.Sprintf("a token of MyElectricalData v1 is for one meter, and %d share MYELECTRICALDATA_TOKEN: "+
				"give each its own in METERS", shared),
		})
	}
	if v1 && len(s.meters) == 0 && len(s.sources) == 1 {
		p.add("METERS", "is empty: a token of MyElectricalData v1 does not say of which meter it is, so give the 14 digits")
	}
}

// unknownAt warns that no credential of a source opens a meter: an error of that source alone, so the program runs.
func (s *settings) unknownAt(source string, prm meter.PRM) {
	s.warnings = append(s.warnings, notice{
		fr: fmt.Sprintf("aucun jeton de %s n'ouvre le compteur %s : il n'y sera pas demandé", source, prm.Short()),
		en: fmt.Sprintf("no token of %s opens the meter %s: it gets nothing from there", source, prm.Short()),
	})
}
