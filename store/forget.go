package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// trace is where a meter has left something in the database.
type trace struct {
	table, what string // what: in words, for people
	where       string // the rows, of which ?1 is the PRM
	erase       string // the statement that erases them; empty for one that deletes the rows
}

const ofItsSeries = `series IN (SELECT id FROM series WHERE prm = ?1)`

// traces lists all of them, so that a row goes before the one it points to. A test looks for tables that it lacks.
func traces() []trace {
	return []trace{
		{table: "days", what: "days", where: ofItsSeries},
		{table: "former", what: "former values", where: ofItsSeries},
		{table: "months", what: "months of the ledger", where: ofItsSeries},
		{table: "holes", what: "holes of the ledger", where: ofItsSeries},
		{table: "attempts", what: "requests to the sources", where: ofItsSeries},
		{table: "series", what: "series", where: `prm = ?1`},
		{table: "directions", what: "directions", where: `prm = ?1`},
		{table: "wanted", what: "first days wanted", where: `prm = ?1`},
		{table: "meters", what: "meter and contract", where: `prm = ?1`},
		{table: "arrivals", what: "arrivals of data", where: `prm = ?1`},
		{table: "consents", what: "consents", where: `prm = ?1`},
		{table: "authorisations", what: "consents whose meters are not known yet", where: `instr(back, ?1)`},
		{table: "orders", what: "orders of history", where: `prm = ?1 OR instr(reply, ?1)`},
		{table: "differences", what: "differences", where: `prm = ?1`},
		{table: "lights", what: "light", where: `prm = ?1`},
		{table: "calls", what: "calls, which stay without the meter", where: `prm = ?1`, erase: `UPDATE calls SET prm = ''`},
		{
			table: "backoffs", what: "errors of sources, which stay without their text",
			where: `instr(detail, ?1)`, erase: `UPDATE backoffs SET detail = ''`,
		},
		{table: "cursors", what: "cursors", where: `instr(name, ?1)`},
		{table: "topics", what: "retained topics", where: `instr(topic, ?1) OR instr(note, ?1)`},
		{table: "installation", what: "notes of the installation", where: `instr(key, ?1) OR instr(value, ?1)`, erase: byHand},
	}
}

// byHand marks what a statement cannot erase: the values of the installation name other meters too.
const byHand = "by hand"

// Trace is how much of one kind is kept of a meter.
type Trace struct {
	What string // in words
	Rows int
}

// Traces gives what is kept of a meter, as far as there is any. Its topics are those of Topics that name it.
func (s *Store) Traces(ctx context.Context, prm meter.PRM) ([]Trace, error) {
	var found []Trace
	for _, t := range traces() {
		n := Trace{What: t.what}
		query := `SELECT count(*) FROM ` + t.table + ` WHERE ` + t.where
		if _, err := s.reader.one(ctx, "traces", query, []any{prm}, &n.Rows); err != nil {
			return nil, err
		}
		if n.Rows > 0 {
			found = append(found, n)
		}
	}
	return found, nil
}

// Forget erases all that is kept of a meter, in one transaction, and then rewrites the database, so that neither its file nor
// the log beside it holds the PRM any more. Backups are files of their own, see BackupsNaming. When it fails after the
// transaction, it may be called again.
func (s *Store) Forget(ctx context.Context, prm meter.PRM) error {
	err := s.write(ctx, "forget", func(ctx context.Context, t *tx) error {
		for _, trace := range traces() {
			if err := t.erase(ctx, trace, prm); err != nil {
				return fmt.Errorf("%s: %w", trace.table, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.rewrite(ctx); err != nil {
		return fmt.Errorf("store: the meter is forgotten, but the file may still hold its number, erase it once more: %w", err)
	}
	return nil
}

func (t *tx) erase(ctx context.Context, trace trace, prm meter.PRM) error {
	switch trace.erase {
	case "":
		return t.exec(ctx, `DELETE FROM `+trace.table+` WHERE `+trace.where, prm)
	case byHand:
		return t.eraseNotes(ctx, prm)
	}
	return t.exec(ctx, trace.erase+` WHERE `+trace.where, prm)
}

// eraseNotes takes a meter out of what the installation keeps. A value that is JSON keeps all that does not name the meter.
func (t *tx) eraseNotes(ctx context.Context, prm meter.PRM) error {
	if err := t.exec(ctx, `DELETE FROM installation WHERE instr(key, ?)`, prm); err != nil {
		return err
	}
	notes := make(map[string]string)
	err := t.each(ctx, `SELECT key, value FROM installation WHERE instr(value, ?)`, []any{prm}, func(scan scan) error {
		var key, value string
		err := scan(&key, &value)
		notes[key] = value
		return err
	})
	if err != nil {
		return err
	}
	for key, value := range notes {
		if without, ok := withoutMeter(value, string(prm)); ok {
			err = t.setValue(ctx, key, without)
		} else {
			err = t.exec(ctx, `DELETE FROM installation WHERE key = ?`, key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// withoutMeter takes all texts and members that name a meter out of a JSON array or object; not ok for anything else.
func withoutMeter(text, prm string) (without string, ok bool) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "", false
	}
	value, stays := pruned(value, prm)
	if !stays {
		return "", false
	}
	body, err := json.Marshal(value)
	return string(body), err == nil
}

// pruned is a JSON value without what names a meter; stays is false when it does so itself.
func pruned(value any, prm string) (left any, stays bool) {
	switch v := value.(type) {
	case string:
		return v, !strings.Contains(v, prm)
	case json.Number:
		return v, !strings.Contains(v.String(), prm)
	case []any:
		list := []any{}
		for _, member := range v {
			if member, ok := pruned(member, prm); ok {
				list = append(list, member)
			}
		}
		return list, true
	case map[string]any:
		for name, member := range v {
			member, ok := pruned(member, prm)
			if !ok || strings.Contains(name, prm) {
				delete(v, name)
				continue
			}
			v[name] = member
		}
	}
	return value, true
}

// rewrite puts the database into a file in which nothing is left of what was deleted, and empties the log. What SQLite writes
// down meanwhile lies in the data folder: in memory it would be as large as the database, and a container may have no other.
func (s *Store) rewrite(ctx context.Context) error {
	var path string
	if err := s.writer.QueryRowContext(ctx, `SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&path); err != nil {
		return err
	}
	dir := strings.ReplaceAll(filepath.Dir(path), "'", "''")
	for _, statement := range []string{
		`PRAGMA temp_store = file`, `PRAGMA temp_store_directory = '` + dir + `'`,
		`VACUUM`,
		`PRAGMA temp_store_directory = ''`, `PRAGMA temp_store = memory`,
	} {
		if _, err := s.writer.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	var busy, pages, moved int
	err := s.writer.QueryRowContext(ctx, `PRAGMA wal_checkpoint(truncate)`).Scan(&busy, &pages, &moved)
	if err == nil && busy != 0 {
		err = fmt.Errorf("another program reads %s", path)
	}
	return err
}

// BackupsNaming gives the files of the backup folder of the data in dir that hold the PRM, whole or unfinished.
func BackupsNaming(dir string, prm meter.PRM) ([]string, error) {
	folder, err := filepath.Abs(backupDir(filepath.Join(dir, databaseFile)))
	if err != nil {
		return nil, err
	}
	files, err := os.ReadDir(folder)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var naming []string
	for _, f := range files {
		if !f.Type().IsRegular() {
			continue
		}
		name := filepath.Join(folder, f.Name())
		holds, err := contains(name, []byte(prm))
		if err != nil {
			return nil, err
		}
		if holds {
			naming = append(naming, name)
		}
	}
	return naming, nil
}

// contains tells whether a file of any size holds a few bytes.
func contains(name string, wanted []byte) (bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	kept := 0                        // bytes of the former piece that may begin what is wanted
	piece := make([]byte, 1<<16)
	for {
		n, err := f.Read(piece[kept:])
		if bytes.Contains(piece[:kept+n], wanted) {
			return true, nil
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		tail := piece[max(0, kept+n-len(wanted)+1) : kept+n]
		kept = copy(piece, tail)
	}
}
