package main

import (
	"os"
	"strconv"

	"github.com/enedis2mqtt/enedis2mqtt/discovery"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
)

// askSupervisor takes what an add-on is given by the Supervisor, unless the settings say something else.
func (env *environment) askSupervisor() {
	if token := os.Getenv("SUPERVISOR_TOKEN"); token != "" && env.HomeAssistantURL == "" && env.HomeAssistantToken == "" {
		env.HomeAssistantURL, env.HomeAssistantToken = supervisorURL, secret(token)
	}
}

func (env environment) checkHomeAssistant(s *settings, p *problems) {
	on, err := strconv.ParseBool(env.Discovery)
	if err != nil {
		p.add("HOMEASSISTANT_DISCOVERY", "%q: allowed are true and false", env.Discovery)
	}
	s.discovery = on && env.DiscoveryPrefix != ""
	if env.DiscoveryPrefix != "" {
		checkTopic("HOMEASSISTANT_DISCOVERY_PREFIX", env.DiscoveryPrefix, p)
	}
	checkTopic("HOMEASSISTANT_STATUS_TOPIC", env.StatusTopic, p)
	s.mode = discovery.Mode(oneOf("HOMEASSISTANT_DISCOVERY_MODE", env.DiscoveryMode, p,
		string(discovery.Device), string(discovery.Single)))
}

func (env environment) checkStatistics(s *settings, p *problems) {
	if (env.HomeAssistantURL == "") != (env.HomeAssistantToken == "") {
		p.add("HOMEASSISTANT_URL", "goes with HOMEASSISTANT_TOKEN: give both or none")
	}
	if env.HomeAssistantURL == "" {
		return
	}
	endpoint, err := homeassistant.Endpoint(env.HomeAssistantURL)
	if err != nil {
		p.add("HOMEASSISTANT_URL", "%v", err)
	}
	s.statistics = statisticsSettings{endpoint: endpoint, token: env.HomeAssistantToken}
}
