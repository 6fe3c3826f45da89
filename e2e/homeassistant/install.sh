#!/usr/bin/env bash
# Installs a real Home Assistant core into a chroot below DIR, for the end-to-end test.
#
#   install.sh [DIR]          DIR defaults to $E2E_HA_DIR, then ${XDG_CACHE_HOME:-~/.cache}/enedis2mqtt-e2e/homeassistant
#
# HA_VERSION   2026.11.0 by default; 2025.2 and later work (several versions live side by side). lock-VERSION.txt pins
#              its Python packages; without a lock they are resolved with Home Assistant's own constraints
# HA_SUITE     Debian suite of the chroot; forky (Python 3.14), or trixie (3.13) before HA 2026.3
#
# What is already there is kept. Needs root. Nothing outside DIR changes, except that the package debootstrap is
# installed when missing. The Debian mirror is the one apt is configured for; pip and uv use the machine's settings.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
# shellcheck source=lib.sh
. "$here/lib.sh"

need_root
for tool in unshare chroot flock apt-get; do command -v $tool >/dev/null || die "$tool is missing"; done
set_paths "${1:-$E2E_HA_DIR}"
exec 9>"$BASE/.lock-$SUITE"
flock -n 9 || { say "another install.sh works in $ROOT: waiting"; flock 9; }
start=$SECONDS
say "Home Assistant $HA_VERSION with $PYTHON from Debian $SUITE, into $BASE"

# without_hosts hides the addresses of mirrors and indexes, which are the machine's own business.
without_hosts() { sed -E 's#https?://[^/ ]+#https://…#g' >&2; }

# --- the chroot ---------------------------------------------------------------------------------------------------
mirror() { # the main Debian archive among apt's sources
	# shellcheck disable=SC2016 # apt-get expands these
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
		awk -F'|' '$1 == "Debian" && $2 == "Debian" {print $3; exit}'
}

if [[ -e $ROOT/.ready ]]; then
	say "chroot: already there"
else
	url=$(mirror)
	if ! command -v debootstrap >/dev/null || [[ -z $url ]]; then
		say "apt-get: installing debootstrap"
		DEBIAN_FRONTEND=noninteractive nice apt-get -qq -o DPkg::Lock::Timeout=300 update
		DEBIAN_FRONTEND=noninteractive nice apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends \
			debootstrap >/dev/null
		url=$(mirror)
	fi
	[[ -n $url ]] || die "apt has no source with Origin Debian, Label Debian"
	proxy=$(apt-config shell p Acquire::http::Proxy | sed "s/^p='\(.*\)'$/\1/")
	[[ -z $proxy || $proxy == DIRECT ]] || export http_proxy=$proxy
	script=$SUITE # an older debootstrap does not know the newest names, and every suite since is built like sid
	[[ -e /usr/share/debootstrap/scripts/$script ]] || script=sid

	say "chroot: debootstrap $SUITE (log: $BASE/debootstrap-$SUITE.log)"
	rm -rf --one-file-system "$ROOT" "$ROOT.part"
	nice debootstrap --variant=minbase --include="ca-certificates,$PYTHON,$PYTHON-venv" \
		"$SUITE" "$ROOT.part" "$url" "/usr/share/debootstrap/scripts/$script" >"$BASE/debootstrap-$SUITE.log" 2>&1 ||
		{ tail -n 20 "$BASE/debootstrap-$SUITE.log" | without_hosts; die "debootstrap failed"; }
	rm -rf "$ROOT.part"/var/cache/apt/archives/*.deb "$ROOT.part"/var/lib/apt/lists/*
	mkdir -p "$ROOT.part/e2e"
	mv "$ROOT.part" "$ROOT"
	touch "$ROOT/.ready"
	say "chroot: built in $((SECONDS - start)) s"
fi

# The machine's name resolution and certificates, which may differ from one machine to the next.
for f in /etc/resolv.conf /etc/hosts /etc/pip.conf; do
	[[ ! -e $f ]] || cp -L --remove-destination "$f" "$ROOT$f"
done
certs=${SSL_CERT_FILE:-${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}}
[[ ! -e $certs ]] || cp -L --remove-destination "$certs" "$ROOT/etc/ssl/certs/ca-certificates.crt"

# The machine's pip settings, handed to the pip and the uv inside.
clients=(PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1)
for v in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY PIP_INDEX_URL PIP_EXTRA_INDEX_URL \
	PIP_TRUSTED_HOST UV_DEFAULT_INDEX UV_INDEX; do
	[[ -z ${!v:-} ]] || clients+=("$v=${!v}")
done
if [[ -z ${UV_DEFAULT_INDEX:-} ]]; then
	index=${PIP_INDEX_URL:-$(python3 -m pip config get global.index-url 2>/dev/null || true)}
	[[ -z $index ]] || clients+=("UV_DEFAULT_INDEX=$index")
fi
inside() { (in_root "" env "${clients[@]}" nice "$@") 2> >(without_hosts); }

# --- uv, then Home Assistant -----------------------------------------------------------------------------------------
# uv, not pip: pip gives up on this dependency graph after minutes ("resolution-too-deep"), uv needs seconds.
if [[ ! -e $ROOT/opt/uv/.ready ]]; then
	say "uv: installing $UV_VERSION"
	rm -rf "$ROOT/opt/uv"
	inside "$PYTHON" -m venv /opt/uv
	inside /opt/uv/bin/pip install --quiet "uv==$UV_VERSION"
	touch "$ROOT/opt/uv/.ready"
fi

if [[ -e $ROOT$VENV/.ready ]]; then
	say "Home Assistant $HA_VERSION: already there"
else
	t=$SECONDS
	rm -rf --one-file-system "${ROOT:?}$VENV"
	inside "$PYTHON" -m venv --without-pip "$VENV"
	pip_install() { inside /opt/uv/bin/uv pip install --quiet --python "$VENV/bin/python" "$@"; }
	lock=$here/lock-$HA_VERSION.txt
	if [[ -e $lock ]]; then
		say "Home Assistant $HA_VERSION: installing from ${lock##*/}"
		cp "$lock" "$ROOT/tmp/lock.txt"
		pip_install --no-deps -r /tmp/lock.txt
	else
		say "Home Assistant $HA_VERSION: no lock file, resolving with its own constraints"
		pip_install --no-deps "homeassistant==$HA_VERSION"
		inside "$VENV/bin/python" - <"$here/requirements.py" >"$ROOT/tmp/requirements.txt" ||
			die "requirements.py failed"
		constraints=$ROOT/tmp/constraints.txt overrides=$ROOT/tmp/overrides.txt
		cp "$ROOT$VENV/lib/$PYTHON/site-packages/homeassistant/package_constraints.txt" "$constraints"
		: >"$overrides"
		if [[ $SUITE == trixie ]]; then
			sed -i '/^lru-dict==/d' "$constraints"
			echo 'lru-dict==1.4.1' >"$overrides" # the 1.3.0 of these releases has no wheel and would need a compiler
			[[ $HA_VERSION != 2025.* ]] || echo 'pycares<5' >>"$constraints" # 5 breaks the aiodns of 2025
		fi
		pip_install -c /tmp/constraints.txt --overrides /tmp/overrides.txt \
			"homeassistant==$HA_VERSION" -r /tmp/requirements.txt
		inside /opt/uv/bin/uv pip freeze --quiet --python "$VENV/bin/python" >"$BASE/lock-$HA_VERSION.txt"
		say "the versions chosen are in $BASE/lock-$HA_VERSION.txt; copy it next to install.sh to pin them"
	fi
	got=$(inside "$VENV/bin/python" -m homeassistant --version)
	[[ $got == "$HA_VERSION" ]] || die "installed $got instead of $HA_VERSION"
	touch "$ROOT$VENV/.ready"
	say "Home Assistant $got: installed in $((SECONDS - t)) s"
fi

say "ready in $((SECONDS - start)) s; $(inside "$PYTHON" --version), $(du -sh "$ROOT" | cut -f1) in $ROOT"
