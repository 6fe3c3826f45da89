// Command enedis2mqtt brings the electricity data that Enedis publishes once a day to an MQTT broker, and says whether to
// trust it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// The exit codes.
const (
	exitFailure  = 1 // the store cannot be used, or what was asked did not succeed
	exitSettings = 2 // wrong settings or arguments
)

// errSettings is what makes the program exit with exitSettings.
var errSettings = errors.New("wrong settings")

// commands are the program's, for kong. A release adds to them and takes none away.
type commands struct {
	Run         runCommand         `cmd:"" default:"1" help:"Run the bridge until it is stopped (the default). Its settings are environment variables."`
	Demo        demoCommand        `cmd:"" help:"Run the whole product with nothing else installed: simulator, broker, bridge and page."`
	Simulator   simulatorCommand   `cmd:"" help:"Run only the simulator of Enedis."`
	Check       checkCommand       `cmd:"" help:"Try each setting for real, and say what to do about what is not well."`
	Export      exportCommand      `cmd:"" help:"Write what is kept as CSV or JSON lines."`
	Import      importCommand      `cmd:"" help:"Take in what other tools have gathered, downloads of Enedis's account, or our own export."`
	Backup      backupCommand      `cmd:"" help:"Copy the database, beside a running bridge too."`
	Forget      forgetCommand      `cmd:"" help:"Erase all that is kept of a meter."`
	Statistics  statisticsCommand  `cmd:"" help:"Copy Home Assistant's statistics of other tools into our data."`
	Cleanup     cleanupCommand     `cmd:"" help:"List, or clear, the topics that MyElectricalData left on the broker."`
	Support     supportCommand     `cmd:"" help:"Write what helps others to help, without secrets and personal data."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask the running bridge whether it can do its work."`
	Version     versionCommand     `cmd:"" help:"Show version, commit and Go."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// program is what each command gets.
type program struct {
	out, log io.Writer
	now      func() time.Time
}

// execute runs a command line and gives the exit code.
func execute(ctx context.Context, args []string, out, log io.Writer) int {
	var c commands
	exited := -1
	parser, err := kong.New(&c, kong.Name("enedis2mqtt"), kong.Writers(out, log), kong.Exit(func(code int) { exited = code }),
		kong.Description("Enedis's electricity data on MQTT, with a light that tells whether to trust it."),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(&program{out: out, log: log, now: time.Now}))
	if err != nil {
		panic(err) // the commands are declared wrongly
	}
	command, err := parser.Parse(args)
	if exited >= 0 {
		return exited // help was asked for
	}
	if err != nil {
		fmt.Fprintf(log, "enedis2mqtt: %v\n", err)
		return exitSettings
	}
	switch err := command.Run(); {
	case err == nil:
		return 0
	case errors.Is(err, errSettings):
		fmt.Fprintln(log, err)
		return exitSettings
	default:
		fmt.Fprintf(log, "enedis2mqtt: %v\n", err)
		return exitFailure
	}
}

// logger writes to the program's log.
func (p *program) logger(level slog.Level, json bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if json {
		return slog.New(slog.NewJSONHandler(p.log, options))
	}
	return slog.New(slog.NewTextHandler(p.log, options))
}
