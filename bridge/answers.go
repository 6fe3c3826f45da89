package bridge

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
)

const (
	// answersKept bounds the answers that wait for a broker that is away. Of an order's progress the newest alone waits.
	answersKept = 256
	// answerAgain is when an answer that the broker did not take is sent again.
	answerAgain = 10 * time.Second
)

// answer is a response on its way to the broker.
type answer struct {
	order    int64 // 0: of no order
	document contract.Document
}

// answer hands a response over to be sent, after those that wait.
func (b *Bridge) answer(d contract.Document) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answerLocked(0, d)
}

// answerLocked is answer for the progress of an order too; b.mu is held.
func (b *Bridge) answerLocked(order int64, d contract.Document) {
	if n := len(b.answers); n >= answersKept {
		i := slices.IndexFunc(b.answers, func(a answer) bool { return order != 0 && a.order == order })
		b.answers = slices.Delete(b.answers, max(0, i), max(0, i)+1)
		if i < 0 {
			b.Log.Warn("a response is left out: the broker has been away for too many of them")
		}
	}
	b.answers = append(b.answers, answer{order, d})
	signal(b.answering)
}

// respond sends the answers in their order, until ctx ends.
func (b *Bridge) respond(ctx context.Context) error {
	for {
		var again <-chan time.Time
		if !b.sendAnswers(ctx) {
			again = time.After(answerAgain)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-b.answering:
		case <-again:
		}
	}
}

// sendAnswers sends what waits, and tells whether the broker took it all.
func (b *Bridge) sendAnswers(ctx context.Context) bool {
	for {
		b.mu.Lock()
		if len(b.answers) == 0 {
			b.mu.Unlock()
			return true
		}
		next := b.answers[0]
		b.answers = b.answers[1:]
		b.mu.Unlock()
		err := deliver(ctx, b.Broker, next.document)
		if err != nil && !errors.Is(err, ErrRefused) {
			b.mu.Lock()
			b.answers = slices.Insert(b.answers, 0, next)
			b.mu.Unlock()
			return false
		}
	}
}
