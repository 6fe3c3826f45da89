#!/bin/sh
# Makes random passwords where there are none, hashes those of the broker's users for Mosquitto, and copies the user's own
# secrets from /given, so that each process can read what is its own and nothing else. Runs as root before the others,
# each time, and changes nothing that stands.
#
#   init.sh            make what is missing
#   init.sh cat NAME   show a password: http_password, homeassistant_password or mqtt_password
set -eu
secrets=${SECRETS_DIR:-/secrets} given=${GIVEN_DIR:-/given}
bridge=65532 broker=1883 # the users of the two images
umask 077
cd "$secrets"

if [ "${1:-}" = cat ]; then
	cat "$2"
	exit
fi

for file in "$given"/*; do
	[ -f "$file" ] || continue
	name=${file##*/}
	cp "$file" "$name.part"
	chown $bridge "$name.part"
	mv "$name.part" "$name"
done

for name in mqtt_password homeassistant_password http_password; do
	[ -s $name ] && continue
	head -c 24 /dev/urandom | base64 | tr '+/' '-_' >$name.part
	mv $name.part $name
done

if [ ! -s passwords ]; then
	printf 'enedis2mqtt:%s\nhomeassistant:%s\n' "$(cat mqtt_password)" "$(cat homeassistant_password)" >passwords.part
	mosquitto_passwd -U passwords.part
	mv passwords.part passwords
fi

chown $bridge http_password
chown $bridge:$broker mqtt_password # the broker's health check asks as the bridge does
chmod 440 mqtt_password
chown $broker:$broker passwords # Mosquitto 2.1 asks for its own group too
chmod 711 .
