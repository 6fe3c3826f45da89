package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Order is history that the user asked for and that is not there yet.
type Order struct {
	ID        int64 // given by AddOrder
	PRM       meter.PRM
	Direction meter.Direction // empty: all that the meter has
	Measures  []meter.Measure // nil: all that the meter has
	Days      meter.Days
	Reply     json.RawMessage // the transaction of the command, for its answers; nil when it had none
	At        time.Time       // when it was given, whole milliseconds
	Done      int             // calls
}

// AddOrder keeps an order, and gives it back with its ID.
func (s *Store) AddOrder(ctx context.Context, o Order) (Order, error) {
	err := s.write(ctx, "add order", func(ctx context.Context, t *tx) error {
		o.At = t.now
		measures := make([]string, len(o.Measures))
		for i, m := range o.Measures {
			measures[i] = string(m)
		}
		return t.row(ctx, `INSERT INTO orders (prm, direction, measures, from_day, to_day, reply, ordered_at, done)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			[]any{
				o.PRM, o.Direction, strings.Join(measures, ","), toDay(o.Days.From), toDay(o.Days.To),
				string(o.Reply), o.At.UnixMilli(), o.Done,
			}, &o.ID)
	})
	return o, err
}

// SetOrderDone notes how many calls of an order are done.
func (s *Store) SetOrderDone(ctx context.Context, id int64, done int) error {
	return s.write(ctx, "order", func(ctx context.Context, t *tx) error {
		return t.exec(ctx, `UPDATE orders SET done = ? WHERE id = ?`, done, id)
	})
}

// DeleteOrder forgets an order.
func (s *Store) DeleteOrder(ctx context.Context, id int64) error {
	return s.write(ctx, "delete order", func(ctx context.Context, t *tx) error {
		return t.exec(ctx, `DELETE FROM orders WHERE id = ?`, id)
	})
}

// Orders gives all orders, in the order in which they were given.
func (s *Store) Orders(ctx context.Context) ([]Order, error) {
	var all []Order
	err := s.reader.each(ctx, "orders", `SELECT id, prm, direction, measures, from_day, to_day, reply, ordered_at, done
		FROM orders ORDER BY id`, nil, func(scan scan) error {
		var o Order
		var measures, reply string
		var from, to, at int64
		err := scan(&o.ID, &o.PRM, &o.Direction, &measures, &from, &to, &reply, &at, &o.Done)
		o.Days, o.At = meter.Days{From: fromDay(from), To: fromDay(to)}, time.UnixMilli(at).UTC()
		for name := range strings.SplitSeq(measures, ",") {
			if name != "" {
				o.Measures = append(o.Measures, meter.Measure(name))
			}
		}
		if reply != "" {
			o.Reply = json.RawMessage(reply)
		}
		all = append(all, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
