-- Several sources serve the same meters. How to read the database stands at the head of the first migration; since this one
-- a daily value of quality computed is the sum of that day's load curve, where the source's own daily values lag, until
-- Enedis's comes.

-- +goose Up

-- A budget may count the calls of one credential, of one meter or of all.
ALTER TABLE calls ADD COLUMN credential TEXT NOT NULL DEFAULT ''; -- which one of the source's; empty: the source has one
ALTER TABLE calls ADD COLUMN prm TEXT NOT NULL DEFAULT '';        -- empty: the call was for no meter, as that for a token

-- The customers' consents, one for each meter and source. A renewal takes the place of its predecessor.
CREATE TABLE granted (
  id               INTEGER PRIMARY KEY,
  prm              TEXT    NOT NULL,
  source           TEXT    NOT NULL,
  first_granted_at INTEGER NOT NULL,
  granted_at       INTEGER NOT NULL, -- instant of the renewal that holds
  until            INTEGER,          -- day, the last one; null while unknown
  directions       TEXT,             -- comma-separated, as its services name them; null while unknown
  UNIQUE (prm, source)
) STRICT;

INSERT INTO granted (prm, source, first_granted_at, granted_at, until)
SELECT prm, source, granted_at, granted_at, until FROM consents WHERE granted_at IS NOT NULL ORDER BY granted_at;

DROP TABLE consents;
ALTER TABLE granted RENAME TO consents;

-- Consents that were given and whose services Enedis does not know yet: it is asked again at next_at.
CREATE TABLE authorisations (
  source   TEXT    NOT NULL,
  back     TEXT    NOT NULL,         -- the parameters with which the customer came back, url-encoded
  given_at INTEGER NOT NULL,
  tries    INTEGER NOT NULL,         -- how often its services were asked for
  next_at  INTEGER,
  PRIMARY KEY (source, back)
) WITHOUT ROWID, STRICT;

-- The daily values that we summed up, which wait for Enedis's own.
CREATE INDEX days_computed ON days (series, day) WHERE quality = 'computed' AND curve IS NULL;
