#!/usr/bin/env bash
# Installs what the end-to-end tests need and the machine lacks: Debian's Mosquitto, Chromium and Node.js, and Node-RED and
# two versions of Home Assistant in folders of their own. What it cannot install (it needs root and Debian) it names, and it
# fails: nothing is skipped.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
for package in mosquitto chromium npm; do
	command -v "$package" >/dev/null || missing+=("$package")
done
command -v node >/dev/null || missing+=(nodejs)
if ((${#missing[@]} > 0)); then
	if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
		echo "setup.sh: missing Debian packages: ${missing[*]}" >&2
		exit 1
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq -o DPkg::Lock::Timeout=300 update
	apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}" >/dev/null
fi
node_red=${E2E_NODE_RED_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/enedis2mqtt-e2e/node-red}
if [[ ! -e $node_red/.ready ]]; then
	echo "setup.sh: Node-RED, into $node_red" >&2
	mkdir -p "$node_red"
	npm install --prefix "$node_red" --no-audit --no-fund --no-update-notifier --loglevel=error node-red@4 >/dev/null
	touch "$node_red/.ready"
fi
if ((EUID != 0)); then
	echo "setup.sh: missing: root, for Home Assistant's chroot" >&2
	exit 1
fi
installs=()
for version in 2026.11.0 2025.10.4; do # each has a chroot of its own: both at a time take little longer than one
	HA_VERSION=$version homeassistant/install.sh &
	installs+=($!)
done
for install in "${installs[@]}"; do wait "$install"; done
