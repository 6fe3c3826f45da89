package discovery

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
)

// components gathers what a later Removal wants to know.
func components(messages []Message) []string {
	var names []string
	for _, m := range messages {
		names = append(names, m.Components...)
	}
	return names
}

func TestNothingGone(t *testing.T) {
	for _, mode := range modes() {
		t.Run(string(mode), func(t *testing.T) {
			o := options(mode, contract.French)
			now := Messages(o, everything())
			require.Empty(t, Removal(o, MeterObject(prm), nil, now), "a first start")
			require.Empty(t, Removal(o, MeterObject(prm), components(now), now), "the same entities")
			require.Empty(t, Removal(o, MeterObject(prm), nil, nil), "a meter that never was")
			fewer := components(Messages(o, shapes()["nothing_yet"]))
			require.Empty(t, Removal(o, MeterObject(prm), fewer, now), "more entities")
		})
	}
}

func TestEntitiesLeaveADevice(t *testing.T) {
	o := options(Device, contract.French)
	was := components(Messages(o, everything()))
	now := Messages(o, shapes()["no_curve"])
	body := slices.Clone(now[0].Body)

	removal := Removal(o, MeterObject(prm), was, now)

	require.Len(t, removal, 1)
	require.Equal(t, now[0].Topic, removal[0].Topic)
	require.Empty(t, faultsOf(o, Message{Document: removal[0]}))
	var transitional, final struct {
		Components map[string]json.RawMessage `json:"components"`
	}
	require.NoError(t, json.Unmarshal(removal[0].Body, &transitional))
	require.NoError(t, json.Unmarshal(now[0].Body, &final))
	require.Len(t, transitional.Components, len(was))
	for key, c := range transitional.Components {
		if stays, ok := final.Components[key]; ok {
			require.JSONEq(t, string(stays), string(c), key)
			continue
		}
		require.JSONEq(t, `{"platform": "sensor"}`, string(c), key)
	}
	require.Equal(t, body, now[0].Body)
	require.Equal(t, removal, Removal(o, MeterObject(prm), was, now), "the messages are left as they were")
}

func TestAnEntityChangesItsPlatform(t *testing.T) {
	o := options(Device, contract.French)
	now := Messages(o, shapes()["nothing_yet"])
	removal := Removal(o, MeterObject(prm), []string{"sensor/late"}, now)
	require.Len(t, removal, 1)
	require.Contains(t, string(removal[0].Body), `"late":{"platform":"sensor"}`)
}

func TestEntitiesLeaveSingly(t *testing.T) {
	o := options(Single, contract.French)
	was := components(Messages(o, shapes()["consumption"]))
	require.Equal(t, []contract.Document{
		{Topic: "homeassistant/sensor/enedis2mqtt_09876543210987/consumption_load_curve/config", Retain: true},
	}, Removal(o, MeterObject(prm), was, Messages(o, shapes()["no_curve"])))
}

func TestAMeterLeaves(t *testing.T) {
	was := components(Messages(options(Device, contract.French), everything()))
	require.Equal(t, []contract.Document{
		{Topic: "homeassistant/device/enedis2mqtt_09876543210987/config", Retain: true},
	}, Removal(options(Device, contract.French), MeterObject(prm), was, nil))

	singles := Removal(options(Single, contract.French), MeterObject(prm), was, nil)
	topics := make([]string, 0, len(singles))
	for _, doc := range singles {
		require.True(t, doc.Retain)
		require.Empty(t, doc.Body)
		topics = append(topics, doc.Topic)
	}
	var published []string
	for _, m := range Messages(options(Single, contract.French), everything()) {
		published = append(published, m.Topic)
	}
	require.ElementsMatch(t, published, topics, "a change of mode empties what the former mode published")
}
