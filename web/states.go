package web

import (
	"crypto/rand"
	"sync"
	"time"
)

const (
	// stateLife is how long a customer may stay at Enedis.
	stateLife = 15 * time.Minute
	// statesKept bounds the memory: whoever begins over and over pushes out the oldest.
	statesKept = 1000
)

// states are the ways to Enedis's consent page that were begun here. Each of them leads back once: what comes with another
// state is not of a customer whom this page sent. They are lost with the process.
type states struct {
	mu    sync.Mutex
	begun []way // oldest first; those that are over stay as long as there is room, so that the page can say what they were
}

type way struct {
	state string
	since time.Time
	over  bool
}

// begin gives a new state: 26 characters that nobody can guess. Enedis takes 100 at most.
func (s *states) begin(now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.begun) >= statesKept {
		s.begun = append(s.begun[:0], s.begun[len(s.begun)-statesKept+1:]...)
	}
	state := rand.Text()
	s.begun = append(s.begun, way{state: state, since: now})
	return state
}

// end takes a state that came back: once, and within its life. Otherwise it says why not.
func (s *states) end(state string, now time.Time) (why outcome, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, w := range s.begun {
		switch {
		case !same(w.state, state):
			continue
		case w.over:
			return used, false
		case now.Sub(w.since) > stateLife:
			return expired, false
		}
		s.begun[i].over = true
		return "", true
	}
	return unknown, false
}
