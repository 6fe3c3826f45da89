package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// probeEvery is how often a refresh may ask again for a direction that is not there.
const probeEvery = time.Hour

// birthDelay is how long Home Assistant is left alone after it said that it is back, so that several births count as one.
const birthDelay = 5 * time.Second

// Receive takes a message of a subscribed topic. A retained command is ignored: it would fire at each start.
func (b *Bridge) Receive(ctx context.Context, topic string, body []byte, retained bool) {
	if retained {
		return
	}
	if topic == b.StatusTopic {
		if string(body) == contract.Online {
			b.Log.Info("Home Assistant is back")
			b.mu.Lock()
			b.birthAt = b.Now().Add(birthDelay)
			b.mu.Unlock()
			signal(b.dirty)
			b.homeAssistantIsBack()
		}
		return
	}
	name, p, ok := b.Topics.ParseTopic(topic)
	if !ok {
		return
	}
	command, err := contract.Command{Name: name, PRM: p}, error(nil)
	if p == "" {
		command, err = contract.ParseCommand(name, body)
	}
	if err == nil {
		err = b.carryOut(ctx, command, func(data any) { b.answer(command.OK(data).Document(b.Topics, name)) })
	}
	b.Log.Info("command", "name", command.Name, "err", err)
	if err != nil {
		b.answer(command.Failed(err).Document(b.Topics, name))
	}
}

// Do carries a command out, whoever gives it, and gives the data of its response. The error is one sentence for people.
func (b *Bridge) Do(ctx context.Context, c contract.Command) (data any, err error) {
	err = b.carryOut(ctx, c, func(answer any) { data = answer })
	return data, err
}

// carryOut carries a command out. It calls respond once with the data of the response, unless it gives an error.
func (b *Bridge) carryOut(ctx context.Context, c contract.Command, respond func(data any)) error {
	if err := c.Validate(b.Now()); err != nil {
		return err
	}
	b.mu.Lock()
	_, known := b.units[c.PRM]
	b.mu.Unlock()
	if c.PRM != "" && !known {
		return fmt.Errorf("no meter %s here", c.PRM.Short())
	}
	switch c.Name {
	case contract.History:
		return b.orderHistory(ctx, c, respond)
	case contract.HistoryStop:
		return b.stopHistory(ctx, c.PRM, respond)
	case contract.CoverageReport:
		coverage, err := b.Coverage(ctx, c.PRM)
		if err != nil {
			return errors.New("the store fails")
		}
		respond(coverage)
		return nil
	case contract.Refresh:
		b.refresh(ctx, c.PRM)
	case contract.Republish:
		b.Republish()
	}
	respond(nil)
	return nil
}

// unitsOf is one meter, or all of them.
func (b *Bridge) unitsOf(p meter.PRM) (units []*unit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, prm := range b.prms {
		if p == "" || p == prm {
			units = append(units, b.units[prm])
		}
	}
	return units
}

// refresh has a round ask now for what is missing of a meter, or of all: past schedule, holds and a remembered refusal.
func (b *Bridge) refresh(ctx context.Context, p meter.PRM) {
	now := b.Now()
	for _, u := range b.unitsOf(p) {
		week := meter.Days{From: meter.DayOf(now) - ride, To: meter.DayOf(now)}
		if err := b.reopen(ctx, u, func(meter.Series) meter.Days { return week }); err != nil {
			b.storageFailed(err)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for prm, u := range b.units {
		if p != "" && prm != p {
			continue
		}
		u.forced = true
		u.release("")
		if now.Sub(u.probedAt) < probeEvery {
			continue
		}
		u.probedAt = now
		for d, state := range u.kept.Directions {
			if state.Standing == store.Absent && state.How != "settings" && state.How != "contract" {
				state.AskAgain = time.Time{}
				u.kept.Directions[d] = state
			}
		}
	}
	signal(b.wake)
}
