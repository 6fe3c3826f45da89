package check

import (
	"context"
	"errors"
	"fmt"

	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// leastSpace is the free space in bytes below which there is a warning: three years of a meter are a few megabytes, and a
// change of schema copies the database.
const leastSpace = 100 << 20

// data opens the store as the bridge does, or for reading alone beside one that runs. Without a store there is none to give.
func (c *checker) data(ctx context.Context) (kept *store.Store, running bool) {
	options := store.Options{Now: c.Now, Log: c.Log}
	kept, err := store.Open(ctx, c.DataDir, options)
	if errors.Is(err, store.ErrLocked) {
		running = true
		kept, err = store.OpenReader(ctx, c.DataDir, options)
	}
	one := Result{Name: nameData, Status: OK}
	switch {
	case err != nil:
		one.Status, one.Message, one.Remedy = Failed, c.say(dataUnusable, err), c.say(dataRemedy(err))
	case running:
		one.Message = c.say(dataInUse, c.DataDir, c.space(&one))
	default:
		one.Message = c.say(dataWritable, c.DataDir, c.space(&one))
	}
	c.add(one)
	return kept, running
}

// dataRemedy is what to do about a store that cannot be opened.
func dataRemedy(err error) phrase {
	switch {
	case errors.Is(err, store.ErrNewer), errors.Is(err, store.ErrOlder):
		return dataVersionRemedy
	case errors.Is(err, store.ErrDamaged):
		return dataDamagedRemedy
	}
	return dataFolderRemedy
}

// space tells how much room there is, and warns when that is little.
func (c *checker) space(one *Result) string {
	free, known := freeSpace(c.DataDir)
	if !known {
		return c.say(spaceUnknown)
	}
	if free < leastSpace {
		one.Status, one.Remedy = Warning, c.say(spaceRemedy)
	}
	if free < 10<<30 {
		return c.say(spaceFree, fmt.Sprintf("%d MB", free>>20))
	}
	return c.say(spaceFree, fmt.Sprintf("%d GB", free>>30))
}
