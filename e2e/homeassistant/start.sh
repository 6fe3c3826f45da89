#!/usr/bin/env bash
# Starts one Home Assistant on 127.0.0.1, onboards it, connects it to the broker that listens on 127.0.0.1:MQTT_PORT
# without a password, and returns when it is usable.
#
#   start.sh RUN_DIR HA_PORT MQTT_PORT
#
# RUN_DIR      holds this instance; an empty or missing one gives a fresh instance, an old one restarts that instance:
#                token           long-lived access token of an administrator
#                ha.pid ha.log   the process and what it says
#                config/         the configuration directory; a configuration.yaml that is already there is kept
# E2E_HA_DIR   where install.sh installed; HA_VERSION which version to start
#
# The process is in the caller's session; stop.sh RUN_DIR ends it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
# shellcheck source=lib.sh
. "$here/lib.sh"

[[ $# == 3 ]] || die "usage: start.sh RUN_DIR HA_PORT MQTT_PORT"
need_root
set_paths "$E2E_HA_DIR"
[[ -e $ROOT$VENV/.ready ]] || die "Home Assistant $HA_VERSION is not in $BASE: run install.sh first"
mkdir -p "$1/config/.storage"
run=$(cd "$1" && pwd -P)
port=$2 mqtt_port=$3

! listening "$port" || die "port $port is in use"
listening "$mqtt_port" || die "no broker listens on port $mqtt_port"

if [[ ! -e $run/config/configuration.yaml ]]; then
	# frontend is not optional: without it Home Assistant goes to recovery mode.
	cat >"$run/config/configuration.yaml" <<-CONF
		homeassistant:
		  name: e2e
		  latitude: 48.8566
		  longitude: 2.3522
		  elevation: 35
		  time_zone: Europe/Paris
		  country: FR
		  currency: EUR
		  language: en
		  unit_system: metric
		http:
		  server_host: 127.0.0.1
		  server_port: $port
		frontend:
		api:
		config:
		websocket_api:
		history:
		energy:
		recorder:
		  commit_interval: 1
	CONF
fi
grep -Eq "^ +server_port: +$port\$" "$run/config/configuration.yaml" ||
	die "$run/config/configuration.yaml does not say server_port: $port (an old instance keeps its ports)"
if [[ ! -e $run/token ]]; then
	[[ ! -e $run/config/.storage/auth ]] || die "$run holds an instance that was never fully onboarded: remove it"
	# Onboarding's core_config step would start integrations that call the internet; configuration.yaml replaces it.
	printf '{"version":4,"minor_version":1,"key":"onboarding","data":{"done":["core_config"]}}\n' \
		>"$run/config/.storage/onboarding"
fi

(in_root "$run" "$VENV/bin/python" -m homeassistant -c /e2e/config --skip-pip --log-no-color) \
	>>"$run/ha.log" 2>&1 </dev/null &
pid=$!
echo "$pid" >"$run/ha.pid"

if ! (in_root "$run" "$VENV/bin/python" - "$port" "$mqtt_port" "$pid") <"$here/onboard.py"; then
	tail -n 20 "$run/ha.log" >&2
	"$here/stop.sh" "$run" || true
	die "Home Assistant did not become usable; the whole log is $run/ha.log"
fi

say "usable: Home Assistant $HA_VERSION at http://127.0.0.1:$port, pid $pid, token in $run/token"
