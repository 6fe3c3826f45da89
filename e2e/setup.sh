#!/usr/bin/env bash
# Installs what the end-to-end tests need and the machine lacks: Debian's Mosquitto and Chromium, and Home Assistant in a
# folder of its own. What it cannot install (it needs root and Debian) it names, and it fails: nothing is skipped.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
for package in mosquitto chromium; do
	command -v "$package" >/dev/null || missing+=("$package")
done
if ((${#missing[@]} > 0)); then
	if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
		echo "setup.sh: missing Debian packages: ${missing[*]}" >&2
		exit 1
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq -o DPkg::Lock::Timeout=300 update
	apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}" >/dev/null
fi
if ((EUID != 0)); then
	echo "setup.sh: missing: root, for Home Assistant's chroot" >&2
	exit 1
fi
homeassistant/install.sh
