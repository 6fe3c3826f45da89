package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestWantedMovesBackWithTheSettings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		was  Wanted
		day  meter.Day
		want Wanted
	}{
		"further back":                             {Wanted{First: 500}, 300, Wanted{First: 300}},
		"as far":                                   {Wanted{First: 500}, 500, Wanted{First: 500}},
		"less far":                                 {Wanted{First: 500}, 600, Wanted{First: 500}},
		"further back than an order":               {Wanted{First: 300, Floor: 500}, 200, Wanted{First: 200}},
		"between an order and the floor":           {Wanted{First: 300, Floor: 500}, 400, Wanted{First: 300, Floor: 400}},
		"less far than the floor":                  {Wanted{First: 300, Floor: 500}, 600, Wanted{First: 300, Floor: 500}},
		"as far as when history was stopped":       {Wanted{First: 300, Floor: 900, Stopped: 300}, 300, Wanted{First: 300, Floor: 900, Stopped: 300}},
		"less far than when it was stopped":        {Wanted{First: 300, Floor: 900, Stopped: 300}, 310, Wanted{First: 300, Floor: 900, Stopped: 300}},
		"further back than when it was stopped":    {Wanted{First: 300, Floor: 900, Stopped: 300}, 200, Wanted{First: 200}},
		"further than the settings, not the order": {Wanted{First: 100, Floor: 900, Stopped: 300}, 200, Wanted{First: 100, Floor: 200}},
	}
	for name, test := range tests {
		require.Equal(t, test.want, test.was.Back(test.day), name)
	}
}
