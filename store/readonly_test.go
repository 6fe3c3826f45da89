package store

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// readOnRequest opens the store for reading and tells for each line of its input how many curve days it has.
func readOnRequest(dir string) int {
	ctx := context.Background()
	s, err := OpenReader(ctx, dir, options())
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer func() { _ = s.Close() }()
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		coverage, err := s.CoverageOf(ctx, curve)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println(coverage.CountPresent(meter.Days{From: 1, To: 100000}))
	}
	return 0
}

// otherReader is another process that plays readOnRequest.
type otherReader struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startReader(t *testing.T, dir string, prepare ...func(*exec.Cmd)) otherReader {
	t.Helper()
	r := otherReader{Cmd: exec.CommandContext(t.Context(), os.Args[0])}
	r.Env = append(os.Environ(), readUntilTheEnd+"="+dir)
	r.Stderr = t.Output()
	for _, p := range prepare {
		p(r.Cmd)
	}
	var err error
	r.in, err = r.StdinPipe()
	require.NoError(t, err)
	out, err := r.StdoutPipe()
	require.NoError(t, err)
	r.out = bufio.NewScanner(out)
	require.NoError(t, r.Start())
	return r
}

// days asks how many curve days there are; what it answers may be an error as well.
func (r otherReader) days(t *testing.T) string {
	t.Helper()
	_, err := fmt.Fprintln(r.in)
	require.NoError(t, err)
	require.True(t, r.out.Scan(), "it is alive")
	return r.out.Text()
}

func (r otherReader) end(t *testing.T) {
	t.Helper()
	require.NoError(t, r.in.Close())
	require.NoError(t, r.Wait())
}

// TestAReaderSeesWhatAnotherProcessWrites reads in another process while this one writes, ends and begins again.
func TestAReaderSeesWhatAnotherProcessWrites(t *testing.T) {
	dir := t.TempDir()
	filled(t, dir, options()) // 100 days
	early := startReader(t, dir)
	require.Equal(t, "100", early.days(t), "nobody writes")

	s, err := Open(t.Context(), dir, options())
	require.NoError(t, err, "a reader does not keep the program from starting")
	merge(t, s, curve, halfHours(yesterday+1, 1))
	late := startReader(t, dir)
	for i, day := range []meter.Day{yesterday + 2, yesterday + 3} {
		require.Equal(t, fmt.Sprint(101+i), early.days(t))
		require.Equal(t, fmt.Sprint(101+i), late.days(t))
		merge(t, s, curve, halfHours(day, 1))
	}
	_, err = s.writer.ExecContext(t.Context(), `PRAGMA wal_checkpoint(truncate)`)
	require.NoError(t, err)
	require.Equal(t, "103", early.days(t))
	require.NoError(t, s.Close())
	require.Equal(t, "103", early.days(t))
	require.Equal(t, "103", late.days(t))

	s = open(t, dir)
	merge(t, s, curve, halfHours(yesterday+4, 1))
	require.Equal(t, "104", early.days(t))
	early.end(t)
	late.end(t)
	merge(t, s, curve, halfHours(yesterday+5, 1))
	require.Equal(t, []string{"ok"}, query(t, s, `PRAGMA integrity_check`))
}

// TestAReaderLeavesNoTrace reads what processes have left behind.
func TestAReaderLeavesNoTrace(t *testing.T) {
	tests := map[string]struct {
		remove []string // of the files of a process that was killed
		closed bool
	}{
		"a store that was closed":              {closed: true},
		"a store whose process was killed":     {},
		"a killed one's that was copied since": {remove: []string{databaseFile + "-shm"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if tt.closed {
				filled(t, dir, options())
			} else {
				killed(t, dir)
			}
			for _, f := range tt.remove {
				require.NoError(t, os.Remove(filepath.Join(dir, f)))
			}
			before := kept(t, dir)

			r, err := OpenReader(t.Context(), dir, options())
			require.NoError(t, err)
			require.Len(t, daysOf(t.Context(), t, r, curve, meter.Days{From: 0, To: yesterday + 1}), 100)
			require.NoError(t, r.Close())
			require.Equal(t, before, kept(t, dir))

			s := open(t, dir)
			require.Len(t, daysOf(t.Context(), t, s, curve, meter.Days{From: 0, To: yesterday + 1}), 100)
			merge(t, s, curve, halfHours(yesterday, 1))
		})
	}
}

// killed leaves in dir what a process leaves that is killed with 100 days of which nothing has reached the database yet.
func killed(t *testing.T, dir string) {
	t.Helper()
	victim := t.TempDir()
	filled(t, victim, options())
	s, err := Open(t.Context(), victim, options())
	require.NoError(t, err)
	_, err = s.writer.ExecContext(t.Context(), `DELETE FROM series`)
	require.NoError(t, err)
	_, err = s.writer.ExecContext(t.Context(), `PRAGMA wal_checkpoint(truncate)`)
	require.NoError(t, err)
	_, err = s.writer.ExecContext(t.Context(), `PRAGMA wal_autocheckpoint = 0`)
	require.NoError(t, err)
	var days []meter.DayValues
	for d := range (meter.Days{From: yesterday - 99, To: yesterday + 1}).All() {
		days = append(days, halfHours(d, int64(d)))
	}
	merge(t, s, curve, days...)
	require.NoError(t, os.CopyFS(dir, os.DirFS(victim)))
	require.NoError(t, s.Close())
}

// kept gives what the files in dir hold, but for the index of the log, which SQLite makes anew at will.
func kept(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := filesOf(t, dir)
	delete(files, filepath.Join(dir, databaseFile+"-shm"))
	return files
}

func TestWhatAReaderCannotRead(t *testing.T) {
	older := func(t *testing.T, dir string) {
		t.Helper()
		atVersion1(t, dir)
	}
	newer := func(t *testing.T, dir string) {
		t.Helper()
		o := options()
		o.migrations = next(t, `CREATE TABLE later (x);`)
		filled(t, dir, o)
	}
	file := func(text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			require.NoError(t, os.WriteFile(filepath.Join(dir, databaseFile), []byte(text), 0o600))
		}
	}
	noFolder := func(t *testing.T, dir string) {
		t.Helper()
		require.NoError(t, os.Remove(dir))
	}
	tests := map[string]struct {
		prepare func(t *testing.T, dir string)
		is      error
		says    string
	}{
		"no folder":       {noFolder, fs.ErrNotExist, "there is no data of enedis2mqtt in DIR: start it once, or set DATA_DIR"},
		"an empty folder": {func(*testing.T, string) {}, fs.ErrNotExist, "there is no data of enedis2mqtt in DIR"},
		"an empty file":   {file(""), fs.ErrNotExist, "there is no data of enedis2mqtt in DIR"},
		"an older one":    {older, ErrOlder, "DIR/enedis2mqtt.db was written by an older enedis2mqtt (schema 1, this one reads 3)"},
		"a newer one":     {newer, ErrNewer, "DIR/enedis2mqtt.db was written by a newer enedis2mqtt (schema 90001"},
		"a damaged one":   {file("hello"), ErrDamaged, "DIR/enedis2mqtt.db is damaged ("},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			require.NoError(t, os.Mkdir(dir, 0o700))
			tt.prepare(t, dir)
			before, _ := os.ReadDir(dir)
			_, err := OpenReader(t.Context(), dir, options())
			require.ErrorIs(t, err, tt.is)
			said := filepath.ToSlash(strings.ReplaceAll(err.Error(), dir, "DIR"))
			require.Contains(t, said, tt.says)
			require.NotContains(t, said, "\n")
			after, _ := os.ReadDir(dir)
			require.Equal(t, before, after, "nothing is made")
		})
	}
}

// TestAReaderDoesNotRollBack leaves the journal of a transaction that never ended, which is for the next start to mend.
func TestAReaderDoesNotRollBack(t *testing.T) {
	dir := t.TempDir()
	filled(t, dir, options())
	db, err := connect(filepath.Join(dir, databaseFile))
	require.NoError(t, err)
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	for _, step := range []string{
		`PRAGMA journal_mode = delete`, `PRAGMA cache_size = 1`, `BEGIN`, `UPDATE days SET revision = revision + 1000`,
	} {
		_, err := conn.ExecContext(t.Context(), step)
		require.NoError(t, err)
	}
	copied := t.TempDir()
	require.NoError(t, os.CopyFS(copied, os.DirFS(dir)))
	require.NoError(t, conn.Close())
	require.NoError(t, db.Close())
	before := filesOf(t, copied)
	require.Contains(t, before, filepath.Join(copied, databaseFile+"-journal"))

	_, err = OpenReader(t.Context(), copied, options())
	require.ErrorContains(t, err, databaseFile+" cannot be read (")
	require.Equal(t, before, filesOf(t, copied))
	require.Equal(t, []string{"1"}, query(t, open(t, copied), `SELECT min(revision) FROM days`))
}

func TestAReaderWritesNothing(t *testing.T) {
	dir := t.TempDir()
	filled(t, dir, options())
	r, err := OpenReader(t.Context(), dir, options())
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	ctx := t.Context()
	a := Attempt{Source: dataconnect, Series: curve, Days: lastWeek, At: noon}
	_, began := r.Begin(ctx, a)
	_, ended := r.End(ctx, a, Answer{})
	_, merged := r.Merge(ctx, daily, []meter.DayValues{value(yesterday, 1)}, byLength)
	for op, err := range map[string]error{
		"begin attempt":        began,
		"end attempt":          ended,
		"merge":                merged,
		"release attempts":     r.Release(ctx, dataconnect, ""),
		"add call":             r.AddCall(ctx, Call{Source: dataconnect, At: noon}),
		"add arrival":          r.AddArrival(ctx, daily.PRM, Arrival{Day: yesterday}),
		"save back-off":        r.SaveBackoff(ctx, Backoff{Source: dataconnect}),
		"save consent":         r.SaveConsent(ctx, Consent{PRM: daily.PRM, GrantedAt: noon}),
		"save authorisation":   r.SaveAuthorisation(ctx, Authorisation{GivenAt: noon}),
		"delete authorisation": r.DeleteAuthorisation(ctx, dataconnect, ""),
		"save meter":           r.SaveMeter(ctx, Meter{PRM: daily.PRM}),
		"save lights":          r.SaveLights(ctx, map[meter.PRM]Light{daily.PRM: {Since: noon}}),
		"save topics":          r.SaveTopics(ctx, map[string]string{"a": "b"}),
		"delete topic":         r.DeleteTopic(ctx, "a"),
		"set value":            r.SetValue(ctx, "a", "b"),
		"cursor":               r.SetCursor(ctx, "readings", 1),
		"beat":                 r.Beat(ctx),
		"ping":                 r.Ping(ctx),
	} {
		require.ErrorIs(t, err, ErrReadOnly, op)
		require.EqualError(t, err, "store: "+op+": the store was opened for reading alone")
	}
}

// TestAReaderReadsAllThereIs reads by each method once.
func TestAReaderReadsAllThereIs(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	merge(t, s, curve, halfHours(yesterday, 1))
	begun(t, s)
	require.NoError(t, s.AddCall(t.Context(), Call{Source: dataconnect, At: noon}))
	require.NoError(t, s.SaveConsent(t.Context(), Consent{PRM: daily.PRM, Source: dataconnect, GrantedAt: noon}))
	r, err := OpenReader(t.Context(), dir, options())
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	for what, read := range map[string]func(*Store) (any, error){
		"attempts":   func(s *Store) (any, error) { return s.Attempts(t.Context()) },
		"back-offs":  func(s *Store) (any, error) { return s.Backoffs(t.Context()) },
		"calls":      func(s *Store) (any, error) { return s.Calls(t.Context(), time.Time{}) },
		"consents":   func(s *Store) (any, error) { return s.Consents(t.Context()) },
		"coverage":   func(s *Store) (any, error) { return s.Coverage(t.Context()) },
		"events":     func(s *Store) (any, error) { return s.Events(t.Context(), 0, 10) },
		"lights":     func(s *Store) (any, error) { return s.Lights(t.Context()) },
		"meters":     func(s *Store) (any, error) { return s.Meters(t.Context()) },
		"recent":     func(s *Store) (any, error) { return s.Recent(t.Context(), daily.PRM) },
		"topics":     func(s *Store) (any, error) { return s.Topics(t.Context()) },
		"one series": func(s *Store) (any, error) { return s.CoverageOf(t.Context(), curve) },
	} {
		want, err := read(s)
		require.NoError(t, err, what)
		got, err := read(r)
		require.NoError(t, err, what)
		require.Equal(t, want, got, what)
	}
}
