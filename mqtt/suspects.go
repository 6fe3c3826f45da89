package mqtt

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// sum identifies a message by topic and body.
type sum [sha256.Size]byte

func sumOf(topic string, body []byte) sum {
	h := sha256.New()
	_ = binary.Write(h, binary.BigEndian, uint32(len(topic))) // a hash takes everything
	h.Write([]byte(topic))
	h.Write(body)
	return sum(h.Sum(nil))
}

// verdict is how a message may be sent.
type verdict int

const (
	free    verdict = iota // among others
	alone                  // on a good connection with no other in flight, so that it is known why the connection breaks
	refused                // not at all
)

const (
	strikesAlone   = 2
	strikesRefused = 4
	// mostSuspects bounds the memory of messages whose bodies have changed since. Forgetting costs a few connections more.
	mostSuspects = 10_000
)

// suspects remembers the messages that waited for their acknowledgement when a connection broke. A broker's only way to
// refuse a message in MQTT 3.1.1 is to hang up (Mosquitto does it above its max_packet_size), and it does not say which
// message it was. So: a message that was in flight at two breaks is sent alone, and one that was alone at two more is
// refused, until its body changes. An acknowledgement clears it.
//
// Alone is not enough: where two clients share an id, or the network is bad, connections break while everything is being
// published on them, and innocent messages would be refused for it. So a message is tried alone only on a connection that
// has lasted for a while.
type suspects struct {
	mu      sync.Mutex
	strikes map[sum]int
}

func newSuspects() *suspects { return &suspects{strikes: make(map[sum]int)} }

func (s *suspects) verdict(m sum) verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch n := s.strikes[m]; {
	case n >= strikesRefused:
		return refused
	case n >= strikesAlone:
		return alone
	}
	return free
}

func (s *suspects) clear(m sum) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.strikes, m)
}

// strike notes what was in flight when a connection broke, and tells whether its only message is refused from here on.
func (s *suspects) strike(inFlight []sum) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.strikes)+len(inFlight) > mostSuspects {
		clear(s.strikes)
	}
	for _, m := range inFlight {
		if s.strikes[m] < strikesAlone || len(inFlight) == 1 {
			s.strikes[m]++
		}
	}
	return len(inFlight) == 1 && s.strikes[inFlight[0]] >= strikesRefused
}
