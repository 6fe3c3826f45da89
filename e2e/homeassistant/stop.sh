#!/usr/bin/env bash
# Stops the Home Assistant that start.sh RUN_DIR started, after a check that the process is that one.
#
#   stop.sh [--kill] RUN_DIR      --kill: do not wait for a clean shutdown (a throw-away instance)
#
# RUN_DIR stays as it is, for a look or a restart.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
# shellcheck source=lib.sh
. "$here/lib.sh"

signal=TERM
[[ ${1:-} != --kill ]] || { signal=KILL; shift; }
[[ $# == 1 && -d $1 ]] || die "usage: stop.sh [--kill] RUN_DIR"
run=$(cd "$1" && pwd -P)

[[ -e $run/ha.pid ]] || exit 0
pid=$(<"$run/ha.pid")
if ours "$pid" homeassistant "$run"; then
	kill "-$signal" "$pid"
	for _ in {1..600}; do
		ours "$pid" homeassistant "$run" || break
		sleep 0.05
	done
	! ours "$pid" homeassistant "$run" || { say "pid $pid does not end: killing it"; kill -KILL "$pid"; }
fi
rm -f "$run/ha.pid"
