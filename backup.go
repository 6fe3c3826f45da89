package main

import (
	"context"
	"fmt"

	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// backupCommand copies the database. Of the settings it needs DATA_DIR alone.
type backupCommand struct {
	File string `arg:"" optional:"" help:"Where to; the folder backup in DATA_DIR unless given, of which the newest three stay."`
}

// Run makes the backup and tells its name.
func (c backupCommand) Run(ctx context.Context, p *program) error {
	name, err := store.Backup(ctx, dataDir(), c.File, p.now())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.out, name)
	return err
}
