package bridge

import (
	"context"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Status gives what is said of the bridge itself, without its meters and without a look into the store.
func (b *Bridge) Status() contract.Bridge { return b.describe() }

// Meter gives what the page and the API show of one meter; ok is false when the bridge does not serve it.
func (b *Bridge) Meter(ctx context.Context, p meter.PRM) (m contract.Meter, ok bool, err error) {
	m, err = b.snapshot(ctx, p, b.Now())
	if err == nil {
		return m, true, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.units[p]; !ok {
		return contract.Meter{}, false, nil
	}
	return contract.Meter{}, true, err
}
