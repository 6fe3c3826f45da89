package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/consoapi"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/myelectricaldata"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// userAgent tells the sources who we are.
func userAgent() string { return "enedis2mqtt/" + version + " (" + homepage + ")" }

// newSources makes the sources of the settings, in order of preference. Each asks its gate before every request, and sends
// it through the client; nil for Go's default one. It makes no call.
func newSources(
	s settings, gate func(source string) enedis.Gate, client *http.Client, now func() time.Time, log *slog.Logger,
) ([]bridge.Source, error) {
	var list []bridge.Source
	for _, name := range s.sources {
		source, err := newSource(s, name, gate(name), client, now, log)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, source)
	}
	return list, nil
}

func newSource(
	s settings, name string, gate enedis.Gate, client *http.Client, now func() time.Time, log *slog.Logger,
) (bridge.Source, error) {
	switch name {
	case dataconnect.Name:
		return dataconnect.New(dataconnect.Options{
			BaseURL: s.enedis.baseURL, Version: s.enedis.api,
			ClientID: s.enedis.clientID, ClientSecret: string(s.enedis.clientSecret),
			AuthorizeURL: s.enedis.authorizeURL, Duration: s.enedis.consentDuration,
			UserAgent: userAgent(), HTTP: client, Gate: gate, Now: now, Log: log,
		})
	case consoapi.Name:
		return consoapi.New(consoapi.Options{
			BaseURL: s.conso.url, Tokens: revealed(s.conso.tokens),
			UserAgent: userAgent(), HTTP: client, Gate: gate, Now: now, Log: log,
		})
	}
	tokens := make(map[meter.PRM]string, len(s.med.tokens))
	for prm, token := range s.med.tokens {
		tokens[prm] = string(token)
	}
	return myelectricaldata.New(myelectricaldata.Options{
		BaseURL: s.med.url, Version: s.med.api, Token: string(s.med.token), Tokens: tokens,
		ClientID: s.med.clientID, ClientSecret: string(s.med.clientSecret),
		UserAgent: userAgent(), HTTP: client, Gate: gate, Now: now, Log: log,
	})
}

func revealed(secrets []secret) []string {
	texts := make([]string, len(secrets))
	for i, s := range secrets {
		texts[i] = string(s)
	}
	return texts
}

// Data Connect is where customers consent by a click.
var _ bridge.Consenter = (*dataconnect.Client)(nil)

// consenter is the source at which customers consent, nil when it is not in use.
func consenter(sources []bridge.Source) bridge.Consenter {
	for _, s := range sources {
		if c, ok := s.(bridge.Consenter); ok {
			return c
		}
	}
	return nil
}

// credentialWords gives for each source a word that changes when its credentials do. It is a part of their hash, salted by
// what the store keeps, so that it tells nothing of them to whoever reads it.
func credentialWords(ctx context.Context, s settings, kept *store.Store) (map[string]string, error) {
	const key, length = "credential_salt", 8 // bytes
	salt, ok, err := kept.Value(ctx, key)
	if err != nil {
		return nil, err
	}
	if !ok {
		salt = rand.Text()
		if err := kept.SetValue(ctx, key, salt); err != nil {
			return nil, err
		}
	}
	words := make(map[string]string, len(s.sources))
	for _, name := range s.sources {
		mac := hmac.New(sha256.New, []byte(salt))
		for _, part := range s.credentials(name) {
			fmt.Fprintf(mac, "%d:", len(part)) // so that no two lists read alike
			_, _ = io.WriteString(mac, part)   // a hash takes everything
		}
		words[name] = hex.EncodeToString(mac.Sum(nil)[:length])
	}
	return words, nil
}

// credentials lists all that a source is shown of us, in an order that does not depend on how it is written.
func (s settings) credentials(source string) []string {
	switch source {
	case dataconnect.Name:
		return []string{string(s.enedis.api), s.enedis.clientID, string(s.enedis.clientSecret)}
	case consoapi.Name:
		return slices.Sorted(slices.Values(revealed(s.conso.tokens)))
	}
	list := []string{string(s.med.api), string(s.med.token), s.med.clientID, string(s.med.clientSecret)}
	for _, prm := range slices.Sorted(maps.Keys(s.med.tokens)) {
		list = append(list, string(prm), string(s.med.tokens[prm]))
	}
	return list
}
