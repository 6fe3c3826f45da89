package broker

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// In mochi v2.7.9 any maximum above 0 deletes retained messages of that age, those of MQTT 3 clients too; its default is a day.
func TestRetainedMessagesLiveForEver(t *testing.T) {
	require.Zero(t, capabilities(Options{}).MaximumMessageExpiryInterval)
}
