package store

import (
	"context"
	"database/sql"
)

// SaveConsent keeps a consent, in the place of that for the same meter and source.
func (s *Store) SaveConsent(ctx context.Context, c Consent) error {
	return s.write(ctx, "save consent", func(ctx context.Context, t *tx) error {
		return t.exec(ctx, `INSERT INTO consents (prm, source, first_granted_at, granted_at, until, directions)
			VALUES (?1, ?2, ?3, ?3, ?4, ?5)
			ON CONFLICT (prm, source) DO UPDATE SET
				granted_at = excluded.granted_at, until = excluded.until, directions = excluded.directions`,
			c.PRM, c.Source, c.GrantedAt.UnixMilli(), toKnownDay(c.Until), joinDirections(c.Directions))
	})
}

// Consents gives all consents in the order in which they were first granted; those of one instant, in the order in which
// they were first saved.
func (s *Store) Consents(ctx context.Context) ([]Consent, error) {
	var all []Consent
	err := s.reader.each(ctx, "consents", `SELECT prm, source, granted_at, until, directions FROM consents
		ORDER BY first_granted_at, id`, nil,
		func(scan scan) error {
			var c Consent
			var grantedAt instant
			var until sql.Null[int64]
			var directions sql.Null[string]
			err := scan(&c.PRM, &c.Source, &grantedAt, &until, &directions)
			c.GrantedAt, c.Until, c.Directions = fromInstant(grantedAt), fromKnownDay(until), splitDirections(directions)
			all = append(all, c)
			return err
		})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// SaveAuthorisation keeps an authorisation, in the place of that with the same source and way back.
func (s *Store) SaveAuthorisation(ctx context.Context, a Authorisation) error {
	return s.write(ctx, "save authorisation", func(ctx context.Context, t *tx) error {
		return t.exec(ctx, `INSERT INTO authorisations (source, back, given_at, tries, next_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (source, back) DO UPDATE SET
				given_at = excluded.given_at, tries = excluded.tries, next_at = excluded.next_at`,
			a.Source, a.Back, a.GivenAt.UnixMilli(), a.Tries, toInstant(a.NextAt))
	})
}

// DeleteAuthorisation forgets an authorisation whose services are known, or are not asked for any more.
func (s *Store) DeleteAuthorisation(ctx context.Context, source, back string) error {
	return s.write(ctx, "delete authorisation", func(ctx context.Context, t *tx) error {
		return t.exec(ctx, `DELETE FROM authorisations WHERE source = ? AND back = ?`, source, back)
	})
}

// Authorisations gives all authorisations, oldest first.
func (s *Store) Authorisations(ctx context.Context) ([]Authorisation, error) {
	var all []Authorisation
	err := s.reader.each(ctx, "authorisations", `SELECT source, back, given_at, tries, next_at FROM authorisations
		ORDER BY given_at, source, back`, nil,
		func(scan scan) error {
			var a Authorisation
			var givenAt, nextAt instant
			err := scan(&a.Source, &a.Back, &givenAt, &a.Tries, &nextAt)
			a.GivenAt, a.NextAt = fromInstant(givenAt), fromInstant(nextAt)
			all = append(all, a)
			return err
		})
	if err != nil {
		return nil, err
	}
	return all, nil
}
