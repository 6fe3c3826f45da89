-- History without holes. How to read the database stands at the head of the first migration; since this one each view says
-- which days lie before the activation of the meter's contract: they are a former holder's, or a former meter's.

-- +goose Up

-- Days that a source was asked for and that are not complete, once they are too old to ride with the request for yesterday.
CREATE TABLE holes (
  series   INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,
  day      INTEGER NOT NULL,
  asked    INTEGER NOT NULL, -- how often
  first_at INTEGER NOT NULL, -- instant of the first answer
  last_at  INTEGER NOT NULL, -- instant of the last one
  again_at INTEGER,          -- instant from which it is asked for again; null while it rests until the user asks
  PRIMARY KEY (series, day)
) WITHOUT ROWID, STRICT;

-- History that the user asked for and that is not there yet.
CREATE TABLE orders (
  id         INTEGER PRIMARY KEY,
  prm        TEXT    NOT NULL,
  direction  TEXT    NOT NULL, -- empty: all that the meter has
  measures   TEXT    NOT NULL, -- comma-separated; empty: all that the meter has
  from_day   INTEGER NOT NULL,
  to_day     INTEGER NOT NULL, -- excluded
  reply      TEXT    NOT NULL, -- the transaction of the command, as JSON; empty when it had none
  ordered_at INTEGER NOT NULL,
  done       INTEGER NOT NULL  -- calls
) STRICT;

-- Where the first day wanted lies before what is asked for without an order.
ALTER TABLE wanted ADD COLUMN floor_day INTEGER;   -- day: the first one that is asked for without an order; null: first_day
ALTER TABLE wanted ADD COLUMN stopped_day INTEGER; -- day: where the settings had history begin when it was stopped; null: it
                                                   -- was not. Settings that reach further back have it go on.

-- Days of which Enedis's daily value and the sum of its complete load curve differ by more than rounding.
CREATE TABLE differences (
  prm       TEXT    NOT NULL,
  direction TEXT    NOT NULL,
  day       INTEGER NOT NULL,
  daily_wh  INTEGER NOT NULL,
  curve_wh  INTEGER NOT NULL,
  PRIMARY KEY (prm, direction, day)
) WITHOUT ROWID, STRICT;

DROP VIEW readings;
DROP VIEW daily;
DROP VIEW max_power;

-- readings: each slot of each curve day. See the first migration; before_activation is 1 for a day before the activation of
-- the meter's contract, else 0.
CREATE VIEW readings AS
WITH slots AS (
  SELECT s.prm, s.direction, d.day, d.revision, d.at / 1000 AS midnight,
         coalesce(d.day < a.activation, 0) AS before_activation,
         (run.value ->> 'o') + slot.key * (run.value ->> 's') AS passed,
         run.value ->> 's' AS seconds,
         slot.value AS watts,
         iif(slot.value IS NULL, NULL, run.value ->> 'q') AS quality,
         iif(slot.value IS NULL, NULL, run.value ->> 'src') AS source,
         331 - (5 * (d.day / 10000) / 4 + 4) % 7 AS last_sunday_of_march,
         1031 - (5 * (d.day / 10000) / 4 + 1) % 7 AS last_sunday_of_october
  FROM series s
  JOIN days d ON d.series = s.id
  LEFT JOIN directions a ON a.prm = s.prm AND a.direction = s.direction
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
       seconds, watts, quality, source, revision, before_activation
FROM slots;

-- daily: the energy of each day, Enedis's own value, as in
--   SELECT date, kwh FROM daily WHERE prm = '…' AND direction = 'consumption' ORDER BY date;
CREATE VIEW daily AS
SELECT s.prm, s.direction, d.day,
       printf('%04d-%02d-%02d', d.day / 10000, d.day / 100 % 100, d.day % 100) AS date,
       d.value AS wh, d.value / 1000.0 AS kwh, d.quality, d.source, d.revision,
       coalesce(d.day < a.activation, 0) AS before_activation
FROM series s
JOIN days d ON d.series = s.id
LEFT JOIN directions a ON a.prm = s.prm AND a.direction = s.direction
WHERE s.measure = 'daily';

-- max_power: the highest apparent power of each day, with its instant.
CREATE VIEW max_power AS
SELECT s.prm, s.direction, d.day,
       printf('%04d-%02d-%02d', d.day / 10000, d.day / 100 % 100, d.day % 100) AS date,
       d.value AS va, strftime('%Y-%m-%dT%H:%M:%SZ', d.at / 1000, 'unixepoch') AS at_utc,
       d.quality, d.source, d.revision,
       coalesce(d.day < a.activation, 0) AS before_activation
FROM series s
JOIN days d ON d.series = s.id
LEFT JOIN directions a ON a.prm = s.prm AND a.direction = s.direction
WHERE s.measure = 'max_power';
