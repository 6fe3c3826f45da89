-- The database of enedis2mqtt. You may read it with any SQLite tool while the program runs; let the program alone write.
--
-- How to read it:
--   * a day is an integer as 20261121 for 21 November 2026, a month one as 202611; days are those of Europe/Paris;
--   * an instant is an integer, milliseconds since 1970 in UTC;
--   * the views readings, daily and max_power show the data in plain columns: begin with them.

-- +goose Up

-- A series is one measure (daily, load_curve, max_power, register) in one direction (consumption, production) of a meter.
CREATE TABLE series (
  id               INTEGER PRIMARY KEY,
  prm              TEXT    NOT NULL,
  direction        TEXT    NOT NULL,
  measure          TEXT    NOT NULL,
  refused_start    INTEGER,          -- day: the latest start that the source refused as too early
  not_collected_at INTEGER,          -- instant: since when the curve is known not to be collected
  UNIQUE (prm, direction, measure)
) STRICT;

-- What each day of a series holds. A day that nobody has values for has no row.
CREATE TABLE days (
  series    INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,
  day       INTEGER NOT NULL,
  revision  INTEGER NOT NULL UNIQUE, -- strictly growing over all series; belongs to this day of this series for ever
  stored_at INTEGER NOT NULL,        -- instant of the revision
  source    TEXT    NOT NULL,        -- of a curve: that of its first reading
  quality   TEXT    NOT NULL CHECK (quality IN ('computed', 'raw', 'corrected')), -- of a curve: the lowest of its readings
  complete  INTEGER NOT NULL CHECK (complete IN (0, 1)),
  value     INTEGER NOT NULL,        -- daily and register: Wh; max_power: VA; load_curve: 0
  at        INTEGER,                 -- instant: of a peak; of a curve, the day's midnight in Paris
  curve     TEXT,                    -- JSON, load_curve alone: the day in runs of equal step, quality and source, each with
                                     -- "o" seconds from midnight to its start, "s" seconds of each slot, "q" quality,
                                     -- "src" source, "w" watts of each slot, null where it is missing
  PRIMARY KEY (series, day)
) WITHOUT ROWID, STRICT;

-- The event stream reads curve days by revision.
CREATE INDEX days_curve_revision ON days (revision) WHERE curve IS NOT NULL;

-- What a day held in its former revisions; the columns are those of days.
CREATE TABLE former (
  series      INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,
  day         INTEGER NOT NULL,
  revision    INTEGER NOT NULL UNIQUE,
  stored_at   INTEGER NOT NULL,
  replaced_at INTEGER NOT NULL,
  source      TEXT    NOT NULL,
  quality     TEXT    NOT NULL,
  complete    INTEGER NOT NULL,
  value       INTEGER NOT NULL,
  at          INTEGER,
  curve       TEXT,
  PRIMARY KEY (series, day, revision)
) WITHOUT ROWID, STRICT;

CREATE INDEX former_curve_revision ON former (revision) WHERE curve IS NOT NULL;

-- The last revision given. It never goes back, even when days are deleted.
CREATE TABLE revisions (last INTEGER NOT NULL) STRICT;
INSERT INTO revisions (last) VALUES (0);

-- The ledger of each month: which days were asked for, and a summary of the month's days, which is rewritten from them in
-- the transaction that changes them. Bit n of a set stands for the n-th day of the month.
CREATE TABLE months (
  series   INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,
  month    INTEGER NOT NULL,
  present  INTEGER NOT NULL DEFAULT 0, -- set: days that have a row
  complete INTEGER NOT NULL DEFAULT 0, -- set: those of them that lack nothing
  asked    INTEGER NOT NULL DEFAULT 0, -- set: days that a source has answered for, with or without values
  total    INTEGER NOT NULL DEFAULT 0, -- sum of the days' values
  PRIMARY KEY (series, month)
) WITHOUT ROWID, STRICT;

-- Requests to the sources, written before each call; one row a request, a repetition takes its place.
CREATE TABLE attempts (
  series     INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,
  source     TEXT    NOT NULL,
  from_day   INTEGER NOT NULL,
  to_day     INTEGER NOT NULL,         -- excluded
  at         INTEGER NOT NULL,
  ended_at   INTEGER,                  -- null while there is no outcome
  outcome    TEXT    NOT NULL,
  lost       INTEGER NOT NULL,         -- how often in a row it began without an end
  not_before INTEGER,
  code       TEXT    NOT NULL,
  detail     TEXT    NOT NULL,
  PRIMARY KEY (series, source, from_day, to_day)
) WITHOUT ROWID, STRICT;

CREATE TABLE meters (
  prm                 TEXT PRIMARY KEY,
  first_seen          INTEGER,
  updated_at          INTEGER,         -- instant of its newest revision
  contract_read_at    INTEGER,
  contract_not_before INTEGER,
  contract_directions TEXT,            -- comma-separated
  subscribed_kva      REAL,
  tariff              TEXT NOT NULL DEFAULT '',
  off_peak            TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID, STRICT;

-- Which directions a meter has, and how that was found.
CREATE TABLE directions (
  prm        TEXT NOT NULL REFERENCES meters ON DELETE CASCADE,
  direction  TEXT NOT NULL,
  standing   TEXT NOT NULL,            -- exists, absent, or empty while unknown
  how        TEXT NOT NULL,
  at         INTEGER,
  ask_again  INTEGER,
  activation INTEGER,                  -- day
  PRIMARY KEY (prm, direction)
) WITHOUT ROWID, STRICT;

-- The first day wanted of each measure of a meter.
CREATE TABLE wanted (
  prm       TEXT NOT NULL REFERENCES meters ON DELETE CASCADE,
  measure   TEXT NOT NULL,
  first_day INTEGER NOT NULL,
  PRIMARY KEY (prm, measure)
) WITHOUT ROWID, STRICT;

-- When the data of a day were complete, in minutes after the day's end.
CREATE TABLE arrivals (
  prm     TEXT NOT NULL,
  day     INTEGER NOT NULL,
  minutes INTEGER NOT NULL,
  PRIMARY KEY (prm, day)
) WITHOUT ROWID, STRICT;

-- The customers' consents.
CREATE TABLE consents (
  prm        TEXT NOT NULL,
  source     TEXT NOT NULL,
  granted_at INTEGER,
  until      INTEGER,                  -- day, the last one
  refused_at INTEGER,
  PRIMARY KEY (prm, source)
) WITHOUT ROWID, STRICT;

-- HTTP requests of the last day, for the budgets.
CREATE TABLE calls (
  id     INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  api    TEXT NOT NULL,
  at     INTEGER NOT NULL
) STRICT;

CREATE INDEX calls_at ON calls (at);

CREATE TABLE backoffs (
  source     TEXT PRIMARY KEY,
  failures   INTEGER NOT NULL,
  until      INTEGER,
  not_before INTEGER,
  outcome    TEXT NOT NULL,
  detail     TEXT NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE lights (
  prm   TEXT PRIMARY KEY,
  level TEXT NOT NULL,
  since INTEGER
) WITHOUT ROWID, STRICT;

-- How far a stream has been published: a revision.
CREATE TABLE cursors (
  name     TEXT PRIMARY KEY,
  position INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- The retained MQTT topics that exist because of us.
CREATE TABLE topics (
  topic TEXT PRIMARY KEY,
  note  TEXT NOT NULL
) WITHOUT ROWID, STRICT;

-- What this installation is: client id, minute of the window, heartbeat.
CREATE TABLE installation (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID, STRICT;

-- readings: each slot of each curve day, as in
--   SELECT start_paris, watts FROM readings WHERE prm = '…' AND direction = 'consumption' AND day = 20261121;
-- watts is the mean power of the slot, null where it is missing. The hour of start_paris follows the rule of the European
-- Union: summer time begins 2 h after midnight on the last Sunday of March, and ends 3 h after midnight on the last Sunday
-- of October. Both Sundays are found by arithmetic, which holds until 2099 and spares a calendar for each slot.
CREATE VIEW readings AS
WITH slots AS (
  SELECT s.prm, s.direction, d.day, d.revision, d.at / 1000 AS midnight,
         (run.value ->> 'o') + slot.key * (run.value ->> 's') AS passed,
         run.value ->> 's' AS seconds,
         slot.value AS watts,
         iif(slot.value IS NULL, NULL, run.value ->> 'q') AS quality,
         iif(slot.value IS NULL, NULL, run.value ->> 'src') AS source,
         331 - (5 * (d.day / 10000) / 4 + 4) % 7 AS last_sunday_of_march,
         1031 - (5 * (d.day / 10000) / 4 + 1) % 7 AS last_sunday_of_october
  FROM series s
  JOIN days d ON d.series = s.id
  JOIN json_each(d.curve) run
  JOIN json_each(run.value, '$.w') slot
  WHERE s.measure = 'load_curve'
)
SELECT prm, direction, day,
       strftime('%Y-%m-%dT%H:%M:%SZ', midnight + passed, 'unixepoch') AS start_utc,
       strftime('%Y-%m-%dT%H:%M:%SZ', midnight + passed + seconds, 'unixepoch') AS end_utc,
       CASE
         WHEN day % 10000 > last_sunday_of_march AND day % 10000 < last_sunday_of_october
           OR day % 10000 = last_sunday_of_march AND passed >= 2 * 3600
           OR day % 10000 = last_sunday_of_october AND passed < 3 * 3600
         THEN strftime('%Y-%m-%dT%H:%M:%S+02:00', midnight + passed + 7200, 'unixepoch')
         ELSE strftime('%Y-%m-%dT%H:%M:%S+01:00', midnight + passed + 3600, 'unixepoch')
       END AS start_paris,
       seconds, watts, quality, source, revision
FROM slots;

-- daily: the energy of each day, Enedis's own value, as in
--   SELECT date, kwh FROM daily WHERE prm = '…' AND direction = 'consumption' ORDER BY date;
CREATE VIEW daily AS
SELECT s.prm, s.direction, d.day,
       printf('%04d-%02d-%02d', d.day / 10000, d.day / 100 % 100, d.day % 100) AS date,
       d.value AS wh, d.value / 1000.0 AS kwh, d.quality, d.source, d.revision
FROM series s
JOIN days d ON d.series = s.id
WHERE s.measure = 'daily';

-- max_power: the highest apparent power of each day, with its instant.
CREATE VIEW max_power AS
SELECT s.prm, s.direction, d.day,
       printf('%04d-%02d-%02d', d.day / 10000, d.day / 100 % 100, d.day % 100) AS date,
       d.value AS va, strftime('%Y-%m-%dT%H:%M:%SZ', d.at / 1000, 'unixepoch') AS at_utc,
       d.quality, d.source, d.revision
FROM series s
JOIN days d ON d.series = s.id
WHERE s.measure = 'max_power';
