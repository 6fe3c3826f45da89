#!/usr/bin/env bash
# Tests the image and the compose file without a Docker engine: carries out the Dockerfile's own instructions with the
# machine's Go, for each platform, and runs what comes of them as a container would: as the image's user, in a root that
# holds only the image's files and is read-only, without network, with only the declared volume writable.
#
# Needs root and the commands named below.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly max_binary=$((20 * 1000 * 1000)) # bytes
readonly version=v0.0.0-check
commit=$(git rev-parse HEAD)
readonly commit
say() { printf '%s: %s\n' "${0##*/}" "$*"; }
die() {
	say "ERROR: $*" >&2
	exit 1
}

((EUID == 0)) || die "must run as root: it uses chroot and private namespaces"
for tool in go git jq ip file mosquitto mosquitto_passwd mosquitto_sub qemu-aarch64-static qemu-arm-static unshare nsenter; do
	command -v "$tool" >/dev/null || die "$tool is missing"
done

work=$(mktemp -d)
children=()
cleanup() {
	((${#children[@]} == 0)) || kill "${children[@]}" 2>/dev/null || true
	wait
	rm -rf --one-file-system "$work"
}
trap cleanup EXIT

# within SECONDS COMMAND... repeats the command until it succeeds.
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.2
	done
}

# build_context DIR fills DIR with what .dockerignore lets in. Its form: everything out, names back in, "**/" globs out.
build_context() {
	local line path included=() excluded=()
	[[ $(grep -v '^#' .dockerignore | head -n 1) == '*' ]] || die ".dockerignore does not begin by leaving everything out"
	while read -r line; do
		case $line in
		'#'* | '*') ;;
		'!'*) for path in ${line#!}; do [[ ! -e $path ]] || included+=("$path"); done ;;
		'**/'*) excluded+=("--exclude=${line#'**/'}") ;;
		*) die ".dockerignore: cannot follow $line" ;;
		esac
	done <.dockerignore
	mkdir -p "$1"
	tar -c "${excluded[@]}" "${included[@]}" | tar -x -C "$1"
}

# instructions prints the Dockerfile with one instruction a line.
instructions() {
	awk '/^[[:space:]]*(#|$)/ {next} {held = held $0} /\\$/ {sub(/\\$/, "", held); next} {print held; held = ""}' Dockerfile
}

# make_image DIR OS ARCH VARIANT carries the Dockerfile out: DIR/root becomes the image's files, DIR/user and so on hold
# its configuration. /out and the working folder of the build stage are folders below DIR.
make_image() {
	local dir=$1 stage='' line word rest from to
	local -a args=("TARGETOS=$2" "TARGETARCH=$3" "TARGETVARIANT=$4" "VERSION=$version")
	mkdir -p "$dir/src" "$dir/out" "$dir/root"
	while read -r line; do
		word=${line%% *} rest=${line#* }
		case "$stage $word" in
		*' FROM') if [[ $rest == *' AS build' ]]; then stage=build; else stage=image; fi ;;
		'build ARG') [[ " ${args[*]}" == *" $rest="* ]] || die "Dockerfile: no value for ARG $rest" ;;
		'build WORKDIR') ;;
		'build COPY') # shellcheck disable=SC2086 # the last word is the destination, the working folder
			(cd "$work/context" && cp -r ${rest% *} "$dir/src/") ;;
		'build RUN') (cd "$dir/src" && env "${args[@]}" sh -euc "${rest//\/out/$dir/out}") ;;
		'image COPY')
			[[ $rest =~ ^--from=build\ ([^ ]+)\ ([^ ]+)$ ]] || die "Dockerfile: cannot follow COPY $rest"
			from=${BASH_REMATCH[1]} to=$dir/root${BASH_REMATCH[2]}
			mkdir -p "$(dirname "$to")"
			cp -a -L "${from/#\/out/$dir/out}" "$to" ;;
		'image ENV' | 'image VOLUME' | 'image USER' | 'image ENTRYPOINT') echo "$rest" >>"$dir/${word,,}" ;;
		'image HEALTHCHECK') echo "${rest#*CMD }" >"$dir/healthcheck" ;;
		'image LABEL' | 'image EXPOSE') ;;
		*) die "Dockerfile: cannot follow $line in stage ${stage:-none}" ;;
		esac
	done < <(instructions)
}

# in_image DIR NAMESPACE... -- COMMAND... runs the image's entry point with COMMAND inside the namespaces that the words
# before "--" make or join; the image's files are its whole world.
in_image() {
	local dir=$1 namespaces=()
	shift
	while [[ $1 != -- ]]; do
		namespaces+=("$1")
		shift
	done
	shift
	local -a entrypoint environment=()
	mapfile -t entrypoint < <(jq -r '.[]' "$dir/entrypoint")
	[[ ! -e $dir/env ]] || mapfile -t environment <"$dir/env"
	exec "${namespaces[@]}" env -i "${environment[@]}" /usr/bin/setpriv --no-new-privs \
		/usr/sbin/chroot --groups= --userspec="$(<"$dir/user")" "$dir/root" "${entrypoint[@]}" "$@"
}

# container makes the namespaces of a container and becomes the command that follows ROOT, VOLUME and USER.
# shellcheck disable=SC2016 # sh expands these
readonly container='
	root=$1 volume=$2 user=$3; shift 3
	ip link set lo up
	mount --bind "$root" "$root"
	mount -o remount,bind,ro "$root"
	mount -t tmpfs -o "uid=${user%:*},gid=${user#*:},mode=700,size=256m" tmpfs "$root$volume"
	exec "$@"'

check_platform() { # OS/ARCH[/VARIANT], then the emulator's words
	local os arch variant dir=$work/${1//\//-}
	IFS=/ read -r os arch variant <<<"$1"
	make_image "$dir" "$os" "$arch" "${variant:-}"
	local binary=$dir/root/enedis2mqtt size said
	size=$(stat -c %s "$binary")
	file -b "$binary" | grep -q 'statically linked.*stripped' || die "$1: not static or not stripped: $(file -b "$binary")"
	[[ $(stat -c %u:%g:%a "$dir/root/data") == "$(<"$dir/user"):700" ]] || die "$1: the volume is not the user's own"
	said=$("${@:2}" "$binary" version)
	[[ $said == *"$version"* && $said == *"$commit"* ]] || die "$1: version says: $said"
	say "$1: $size bytes; $(head -n 1 <<<"$said")"
	((size <= max_binary)) || die "$1: the binary is larger than $max_binary bytes"
}

check_container() { # DIR
	local dir=$1 pid joined
	in_image "$dir" unshare --mount --net sh -euc "$container" container "$dir/root" "$(<"$dir/volume")" "$(<"$dir/user")" \
		-- demo --data-dir "$(<"$dir/volume")" >"$dir/log" 2>&1 </dev/null &
	pid=$!
	children+=("$pid")
	joined=(nsenter --target "$pid" --mount --net)
	local -a health
	mapfile -t health < <(jq -r '.[1:][]' "$dir/healthcheck")

	healthy() { (in_image "$dir" "${joined[@]}" -- "${health[@]}") >"$dir/health" 2>&1; }
	within 30 healthy || { cat "$dir/log" "$dir/health" >&2; die "the health check of the container fails"; }
	green() { [[ $("${joined[@]}" mosquitto_sub -p 18883 -t 'enedis2mqtt/+/freshness' -C 1 -W 2 2>/dev/null) == green ]]; }
	within 60 green || { cat "$dir/log" >&2; die "no meter of the demo becomes green"; }
	grep -q '^NoNewPrivs:[[:space:]]*1$' "/proc/$pid/status" || die "the container may gain privileges"
	[[ $(awk '/^Uid:/ {print $2}' "/proc/$pid/status") == "$(cut -d: -f1 "$dir/user")" ]] || die "the container runs as another user"
	kill -TERM "$pid"
	wait "$pid" || { cat "$dir/log" >&2; die "the container does not end well on SIGTERM"; }
	children=()
	say "container: healthy, its light is green, and it ends on SIGTERM"
}

check_compose() {
	local model=$work/compose.json
	go tool -modfile=tools/go.mod github.com/compose-spec/compose-go/v2/cmd -format json docker-compose.yml >"$model"
	jq -e '[.services[] | .read_only and .cap_drop == ["ALL"] and .security_opt == ["no-new-privileges:true"]] | all' \
		"$model" >/dev/null || die "docker-compose.yml: a service is not hardened"
	jq -e '[.services | to_entries[] | select(.value.environment) | .key as $service | .value.environment | keys[]
		| select(test("PASSWORD$|SECRET$|TOKEN$") and $service != "demo")] == []' "$model" >/dev/null ||
		die "docker-compose.yml: a secret stands in the environment"
	say "compose: conforms to the Compose Specification, hardened, secrets from files"

	# The broker's side for real: init.sh, then Mosquitto as the image's user with the configuration, then the health check.
	local secrets=$work/secrets given=$work/given data=$work/mosquitto user=(setpriv --reuid 1883 --regid 1883 --clear-groups) pid
	mkdir "$secrets" "$given" "$data"
	chown 1883:1883 "$data"
	chmod 711 "$work"
	echo 'a secret' >"$given/enedis_client_secret"
	SECRETS_DIR=$secrets GIVEN_DIR=$given deploy/init.sh
	local before
	before=$(cd "$secrets" && sha256sum -- *)
	SECRETS_DIR=$secrets GIVEN_DIR=$given deploy/init.sh
	[[ $(cd "$secrets" && sha256sum -- *) == "$before" ]] || die "init.sh: the second start changes secrets"
	setpriv --reuid 65532 --regid 65532 --clear-groups cat "$secrets"/{mqtt_password,http_password,enedis_client_secret} >/dev/null ||
		die "init.sh: the bridge cannot read its secrets"
	! setpriv --reuid 65532 --regid 65532 --clear-groups cat "$secrets/homeassistant_password" 2>/dev/null ||
		die "init.sh: the bridge can read another's secret"
	sed "s#/secrets/#$secrets/#; s#/mosquitto/data/#$data/#" deploy/mosquitto.conf >"$work/mosquitto.conf"
	# shellcheck disable=SC2016 # sh expands these
	unshare --net sh -euc 'ip link set lo up; exec "$@"' sh "${user[@]}" mosquitto -c "$work/mosquitto.conf" \
		>"$work/mosquitto.log" 2>&1 </dev/null &
	pid=$!
	children+=("$pid")
	local test
	test=$(jq -r '.services.mosquitto.healthcheck.test[1]' "$model")
	broker_healthy() {
		nsenter --target "$pid" --net "${user[@]}" sh -c "${test//\/secrets\//$secrets/}" >/dev/null 2>&1
	}
	within 10 broker_healthy || { cat "$work/mosquitto.log" >&2; die "the broker's health check fails"; }
	! nsenter --target "$pid" --net mosquitto_sub -t '#' -C 1 -W 2 >/dev/null 2>&1 || die "the broker lets anybody in"
	kill -TERM "$pid"
	wait "$pid" || die "the broker does not end well"
	children=()
	[[ -s $data/mosquitto.db ]] || die "the broker kept nothing"
	say "broker: its passwords are made once, its health check passes, and nobody else gets in"
}

check_compose
build_context "$work/context"
check_platform linux/amd64
check_platform linux/arm64 qemu-aarch64-static
check_platform linux/arm/v7 qemu-arm-static
check_container "$work/linux-amd64"
say "all well in $SECONDS s"
