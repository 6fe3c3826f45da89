package discovery

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
)

func TestHomeAssistantTakesEveryMessage(t *testing.T) {
	for _, mode := range modes() {
		for _, locale := range locales() {
			o := options(mode, locale)
			for name, profile := range shapes() {
				t.Run(fmt.Sprintf("%s, %s, %s", name, mode, locale), func(t *testing.T) {
					all := slices.Concat(BridgeMessages(o, sources()), Messages(o, profile))
					require.Empty(t, faultsOf(o, all...))
				})
			}
		}
	}
}

func TestHomeAssistantTakesTwoMetersWithTheSameLastDigits(t *testing.T) {
	o := options(Device, contract.French)
	other := everything()
	other.PRM = "11111111110987"
	require.Empty(t, faultsOf(o, slices.Concat(Messages(o, everything()), Messages(o, other))...))
}

func TestBothModesDescribeTheSameEntities(t *testing.T) {
	for name, profile := range shapes() {
		t.Run(name, func(t *testing.T) {
			whole := Messages(options(Device, contract.French), profile)
			require.Len(t, whole, 1)
			var singly []string
			for _, m := range Messages(options(Single, contract.French), profile) {
				require.Len(t, m.Components, 1)
				singly = append(singly, m.Components...)
			}
			require.ElementsMatch(t, whole[0].Components, singly)
			require.True(t, slices.IsSorted(whole[0].Components))
		})
	}
}

// TestIDsStay guards what Home Assistant remembers an entity by. A line that changes or goes takes an entity with its
// settings from every user, so the list is written by hand: there is no -update for it.
func TestIDsStay(t *testing.T) {
	body, err := os.ReadFile("testdata/ids.txt")
	require.NoError(t, err)
	var ids []string
	note := func(messages []Message) {
		for _, c := range messages[0].config.Components {
			ids = append(ids, c.UniqueID+" "+c.DefaultEntityID)
		}
	}
	o := options(Device, contract.French)
	note(BridgeMessages(o, sources()))
	note(Messages(o, everything()))
	slices.Sort(ids)
	require.Equal(t, strings.Split(strings.TrimSpace(string(body)), "\n"), ids)
}

func TestTheConnectionShowsWhenTheBridgeIsAway(t *testing.T) {
	for _, mode := range modes() {
		for _, m := range BridgeMessages(options(mode, contract.French), sources()) {
			if mode == Device {
				require.Nil(t, m.config.Availability)
				require.Nil(t, m.config.Components["connection"].Availability)
				require.NotNil(t, m.config.Components["calls_left_dataconnect"].Availability)
				continue
			}
			require.Equal(t, m.Components[0] != "binary_sensor/connection", strings.Contains(string(m.Body), `"availability"`))
		}
	}
}

func TestAnUnknownLocaleIsFrench(t *testing.T) {
	require.Equal(t,
		Messages(options(Device, contract.French), everything())[0].Body,
		Messages(options(Device, "de"), everything())[0].Body)
}

func BenchmarkMessages(b *testing.B) {
	for _, mode := range modes() {
		b.Run(string(mode), func(b *testing.B) {
			o, p := options(mode, contract.French), everything()
			b.ReportAllocs()
			for b.Loop() {
				Messages(o, p)
			}
		})
	}
}
