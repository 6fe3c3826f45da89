package homeassistant

import (
	"errors"
	"fmt"
)

// The errors that decide about the next try.
var (
	// ErrToken means that the token is not, or no longer, valid. Home Assistant shows each such attempt to its users, and may
	// ban the address after some.
	ErrToken = errors.New("the token is refused")
	// ErrAdmin means that the token's user may not import statistics.
	ErrAdmin = errors.New("the token is not of an administrator")
	// ErrNotReady means that Home Assistant is there and its recorder does not work yet.
	ErrNotReady = errors.New("the recorder is not ready")
	// ErrBroken means that the connection ended before the answer came.
	ErrBroken = errors.New("the connection broke")
)

// Error is a command's refusal.
type Error struct {
	Command string // as in "recorder/import_statistics"
	Code    string // Home Assistant's own, as in "invalid_format": the only thing to branch on
	Message string // for people; differs between versions
}

// Error shortens PRMs.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s: %s", e.Command, e.Code, clean(e.Message))
}

// Is makes codes known as the errors that decide about the next try. A command that is unknown comes with an integration
// that is not set up yet: Home Assistant takes connections before it has started.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrAdmin:
		return e.Code == "unauthorized"
	case ErrNotReady:
		return e.Code == "unknown_command"
	}
	return false
}

// hasCode tells whether err is a refusal with that code.
func hasCode(err error, code string) bool {
	refusal, ok := errors.AsType[*Error](err)
	return ok && refusal.Code == code
}

// MetadataError refuses to write a statistic whose metadata are not those of our rows. An import would overwrite them, and
// relabel what stands there without converting it.
type MetadataError struct {
	ID    ID
	Wants string // what is not ours, as in "unit Wh, not kWh"
}

// Error says what to do.
func (e *MetadataError) Error() string {
	return fmt.Sprintf("statistic %s has %s: it is not overwritten; remove or convert it in Home Assistant's developer tools",
		e.ID.Short(), e.Wants)
}
