# shellcheck shell=bash disable=SC2034 # the variables are for the scripts that source this
# Shared by install.sh, start.sh and stop.sh; sourced, not run.

HA_VERSION=${HA_VERSION:-2026.11.0}
E2E_HA_DIR=${E2E_HA_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/enedis2mqtt-e2e/homeassistant}
UV_VERSION=0.13.6

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "ERROR: $*"; exit 1; }

# choose_version sets SUITE and PYTHON (which Debian carries the interpreter that HA_VERSION wants).
choose_version() {
	[[ $HA_VERSION =~ ^(20[0-9]{2})\.([0-9]{1,2})\. ]] || die "HA_VERSION=$HA_VERSION is not of the form YYYY.M.P"
	local n=$((BASH_REMATCH[1] * 100 + 10#${BASH_REMATCH[2]}))
	if ((n >= 202603)); then
		SUITE=${HA_SUITE:-forky} PYTHON=${HA_PYTHON:-python3.14}
	elif ((n >= 202502)); then
		SUITE=${HA_SUITE:-trixie} PYTHON=${HA_PYTHON:-python3.13}
	else
		die "Home Assistant $HA_VERSION is older than 2025.2: no Debian suite chosen for its Python"
	fi
}

# set_paths DIR sets ROOT (the chroot) and VENV (a path inside it).
set_paths() {
	choose_version
	mkdir -p "$1"
	BASE=$(cd "$1" && pwd -P)
	ROOT=$BASE/root-$SUITE
	VENV=/opt/ha-$HA_VERSION
}

need_root() { ((EUID == 0)) || die "must run as root: it uses chroot and a private mount namespace"; }

# in_root RUN_DIR CMD... replaces this shell by CMD inside the chroot; call it in ( ).
# RUN_DIR (may be empty) appears as /e2e. The mounts live in a private mount namespace: they vanish with the process,
# so that the directory can always be removed safely. The process id stays that of the calling subshell.
in_root() {
	# shellcheck disable=SC2016
	exec unshare --mount -- sh -ec '
		root=$1 run=$2; shift 2
		mount -t proc proc "$root/proc"
		mount --rbind /dev "$root/dev"
		[ -z "$run" ] || mount --bind "$run" "$root/e2e"
		exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
			SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt "$@"' in_root "$ROOT" "$@"
}

# listening PORT: does something accept connections on 127.0.0.1:PORT?
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# ours PID WORD RUN_DIR: is PID alive, is WORD in its command line, and is its /e2e our RUN_DIR?
ours() {
	[[ $1 =~ ^[0-9]+$ ]] && tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" | grep -q -- "$2" &&
		[[ "/proc/$1/root/e2e" -ef $3 ]]
}
