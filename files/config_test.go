package files_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/files"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const config = `# Configuration
home_assistant:
  enable: 'True'
  discovery_prefix: ha
mqtt:
  enable: true
  hostname: broker.example
  port: 1884
  username: user
  password: invented password
  prefix: med
  cert: false
myelectricaldata:
  09876543210987:
    enable: true
    name: Maison
    token: invented.token
    consumption: true
    consumption_detail: 'False'
    production: false
  '12345678901234':
    name: '12345678901234'
    token: another
    production: True
  '11111111111111':
    enable: false
    token: gone
influxdb:
  enable: false
  batching_options: {batch_size: 1000}
`

func TestConfigOfMyElectricalData(t *testing.T) {
	file, err := files.Open(write(t, "config.yaml", []byte(config)), options)
	require.NoError(t, err)
	require.Equal(t, files.MEDConfig, file.Format)
	s, err := file.Settings()
	require.NoError(t, err)
	require.Equal(t, []files.SettingsMeter{
		{PRM: "09876543210987", Name: "Maison", Token: "invented.token", Directions: []meter.Direction{meter.Consumption}},
		{PRM: "12345678901234", Token: "another", Directions: meter.Directions(), Hourly: true},
	}, s.Meters)
	require.Equal(t, "broker.example", s.MQTT.Host)
	require.Equal(t, 1884, s.MQTT.Port)
	require.Equal(t, "invented password", s.MQTT.Password)
	require.Equal(t, "med", s.MQTT.Prefix)
	require.Equal(t, "ha", s.MQTT.DiscoveryPrefix)
	require.True(t, s.MQTT.Discovery)
	require.Empty(t, s.MQTT.CAFile)
	require.ErrorContains(t, file.Walk(t.Context(), nil), "settings in it, and no data")
}

func TestDamagedConfigsShowNoSecret(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"no PRM":          {"myelectricaldata:\n  12:\n    token: invented.token\n", "line 2"},
		"no mapping":      {"myelectricaldata:\n  '12345678901234': invented.token\n", "line 2"},
		"not YAML at all": {"myelectricaldata:\n\t- invented.token: [\n", "line"},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := files.Open(write(t, "config.yaml", []byte(test.text)), options)
			require.NoError(t, err)
			_, err = file.Settings()
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "invented.token")
			require.NotContains(t, err.Error(), "\n")
		})
	}
}
