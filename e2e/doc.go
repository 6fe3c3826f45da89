// Package e2e tests the built program with real parts: its own simulator of Enedis over HTTP, Debian's Mosquitto and
// Chromium, and a Home Assistant. It reads only what a user could read: topics, pages, exit codes and logs. The tests have
// the build tag e2e and are run by make e2e, which installs what they need; the scripts below homeassistant hold what is to
// be known of running one.
package e2e
