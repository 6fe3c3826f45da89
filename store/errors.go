package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What can stand in the way of Open and OpenReader, for errors.Is. The error itself is one sentence that names the file and
// the remedy.
var (
	ErrLocked  = errors.New("the store is in use") // by another process; of Open alone
	ErrNewer   = errors.New("the store is of a newer version")
	ErrOlder   = errors.New("the store is of an older version") // of OpenReader alone, since Open brings it up to date
	ErrDamaged = errors.New("the store is damaged")
)

// ErrReadOnly is the error of every method that writes, in a store that OpenReader has opened.
var ErrReadOnly = errors.New("the store was opened for reading alone")

// openError is a failure of Open as one sentence for the operator; Unwrap gives what it is for the program.
type openError struct {
	sentence string
	causes   []error
}

func (e *openError) Error() string   { return strings.ReplaceAll(e.sentence, "\n", " ") }
func (e *openError) Unwrap() []error { return e.causes }

func lockedError(dir, lockFile string) error {
	return &openError{
		fmt.Sprintf("another enedis2mqtt uses the data in %s (it holds %s): stop it, or set DATA_DIR to another folder",
			dir, filepath.Base(lockFile)),
		[]error{ErrLocked},
	}
}

func newerError(path string, version, known int64) error {
	return &openError{
		fmt.Sprintf("%s was written by a newer enedis2mqtt (schema %d, this one knows up to %d): install that version again, "+
			"or move %s* away and put a file of %s, if there is one, in its place", path, version, known, databaseFile, backupDir(path)),
		[]error{ErrNewer},
	}
}

func olderError(path string, version, known int64) error {
	return &openError{
		fmt.Sprintf("%s was written by an older enedis2mqtt (schema %d, this one reads %d): start this version once, "+
			"which brings it up to date", path, version, known),
		[]error{ErrOlder},
	}
}

func missingError(path string) error {
	return &openError{
		fmt.Sprintf("there is no data of enedis2mqtt in %s: start it once, or set DATA_DIR to its folder", filepath.Dir(path)),
		[]error{fs.ErrNotExist},
	}
}

// damagedError tells to move all files of the database away, since SQLite would write a log that stays behind into the
// backup that takes its place.
func damagedError(path string, cause error) error {
	return &openError{
		fmt.Sprintf("%s is damaged (%v): move %s* away, then put a file of %s in its place, or start without data",
			path, cause, databaseFile, backupDir(path)),
		[]error{ErrDamaged, cause},
	}
}

func foreignError(path string) error {
	return &openError{
		fmt.Sprintf("%s is not a database of enedis2mqtt: move it away, or set DATA_DIR to another folder", path),
		[]error{ErrDamaged},
	}
}

// openingError finds the sentence for a failure to open or migrate the database at path.
func openingError(path string, err error) error {
	if sentence, ok := errors.AsType[*openError](err); ok {
		return sentence
	}
	dir := filepath.Dir(path)
	switch {
	case isResult(err, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
		return damagedError(path, err)
	case isResult(err, sqlite3.SQLITE_FULL), errors.Is(err, syscall.ENOSPC):
		return &openError{fmt.Sprintf("the disk of %s is full (%v): make room and start again", dir, err), []error{err}}
	case isResult(err, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH),
		errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return &openError{
			fmt.Sprintf("%s cannot be written (%v): let this user write there, or set DATA_DIR to another folder", dir, err),
			[]error{err},
		}
	}
	return &openError{
		fmt.Sprintf("%s cannot be used (%v): mend that, or set DATA_DIR to another folder", dir, err),
		[]error{err},
	}
}

// readingError finds the sentence for a failure to open the database at path for reading alone.
func readingError(path string, err error) error {
	if sentence, ok := errors.AsType[*openError](err); ok {
		return sentence
	}
	if isResult(err, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) {
		return damagedError(path, err)
	}
	return &openError{
		fmt.Sprintf("%s cannot be read (%v): let this user read it, or set DATA_DIR to another folder", path, err),
		[]error{err},
	}
}

// isResult tells whether err is one of SQLite's primary result codes.
func isResult(err error, codes ...int) bool {
	failure, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return false
	}
	for _, code := range codes {
		if failure.Code()&0xff == code { // the higher bits tell details
			return true
		}
	}
	return false
}
