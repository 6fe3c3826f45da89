package files

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// largestConfig is far beyond that of any config.yaml, in bytes.
const largestConfig = 1 << 20

// Settings is what MyElectricalData's config.yaml says that we have a word for too. It holds secrets.
type Settings struct {
	Meters []SettingsMeter // those that are enabled
	MQTT   struct {
		Enabled                    bool
		Host                       string
		Port                       int
		Username, Password, CAFile string
		Prefix                     string // of its topics
		Discovery                  bool
		DiscoveryPrefix            string
	}
}

// SettingsMeter is a meter of config.yaml.
type SettingsMeter struct {
	PRM        meter.PRM
	Name       string // empty when it is the PRM
	Token      string
	Directions []meter.Direction
	Hourly     bool
}

// isConfig tells whether a text begins as a config.yaml that has meters.
func isConfig(start []byte) bool {
	const key = "myelectricaldata:"
	return bytes.HasPrefix(start, []byte(key)) || bytes.Contains(start, []byte("\n"+key))
}

// Settings reads MyElectricalData's config.yaml. Booleans may be texts, as its own program takes them.
func (f *File) Settings() (Settings, error) {
	var s Settings
	if f.Size > largestConfig {
		return s, f.named(errors.New("it is too large for a config.yaml"))
	}
	text, err := os.ReadFile(f.path)
	if err != nil {
		return s, f.named(bare(err))
	}
	var file struct {
		Meters yaml.Node         `yaml:"myelectricaldata"`
		MQTT   map[string]string `yaml:"mqtt"`
		HA     map[string]string `yaml:"home_assistant"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return s, f.named(plain(err))
	}
	for i := 0; i+1 < len(file.Meters.Content); i += 2 {
		if err := s.addMeter(file.Meters.Content[i], file.Meters.Content[i+1]); err != nil {
			return Settings{}, f.named(err)
		}
	}
	m := &s.MQTT
	m.Enabled, m.Host, m.Prefix = truth(file.MQTT["enable"], false), file.MQTT["hostname"], file.MQTT["prefix"]
	m.Username, m.Password = file.MQTT["username"], file.MQTT["password"]
	m.Port, _ = strconv.Atoi(file.MQTT["port"]) // 0 where it says nothing that can be read
	if ca := file.MQTT["ca_cert"]; ca != "" {
		m.CAFile = ca
	}
	if cert := file.MQTT["cert"]; strings.Contains(cert, "/") {
		m.CAFile = cert
	}
	m.Discovery, m.DiscoveryPrefix = truth(file.HA["enable"], false), file.HA["discovery_prefix"]
	return s, nil
}

// plain makes one line of an error of YAML, without the values.
func plain(err error) error {
	if failure, ok := errors.AsType[*yaml.TypeError](err); ok && len(failure.Errors) > 0 {
		line, _, _ := strings.Cut(failure.Errors[0], ": ")
		return fmt.Errorf("%s: a value of another kind than MyElectricalData's", line)
	}
	return errors.New(strings.ReplaceAll(strings.TrimPrefix(err.Error(), "yaml: "), "\n", " "))
}

// addMeter reads one entry. The key is read as it is written: a number may begin with 0.
func (s *Settings) addMeter(key, value *yaml.Node) error {
	prm, err := meter.ParsePRM(strings.TrimSpace(key.Value))
	if err != nil {
		return faulty(key.Line, "%q: %w", excerpt(key.Value), err)
	}
	var entry map[string]string
	if err := value.Decode(&entry); err != nil {
		return plain(err)
	}
	if !truth(entry["enable"], true) {
		return nil
	}
	m := SettingsMeter{PRM: prm, Token: strings.TrimSpace(entry["token"])}
	if name := strings.TrimSpace(entry["name"]); name != string(prm) {
		m.Name = name
	}
	detail := truth(entry["consumption_detail"], true)
	if truth(entry["consumption"], true) || detail {
		m.Directions = append(m.Directions, meter.Consumption)
	}
	productionDetail := truth(entry["production_detail"], false)
	if truth(entry["production"], false) || productionDetail {
		m.Directions = append(m.Directions, meter.Production)
	}
	m.Hourly = detail || productionDetail
	s.Meters = append(s.Meters, m)
	return nil
}

// truth reads a boolean of YAML, or a text of one.
func truth(text string, otherwise bool) bool {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1", "y", "t":
		return true
	case "false", "no", "off", "0", "n", "f":
		return false
	}
	return otherwise
}
