package web

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExposeKeepsTheFormat(t *testing.T) {
	tests := map[string]struct {
		labels []string
		values []string
		value  float64
		want   string
	}{
		"no labels":                    {value: 1, want: "enedis2mqtt_x 1\n"},
		"a name with quotes":           {labels: []string{"meter"}, values: []string{`"Chez" Léo`}, want: `enedis2mqtt_x{meter="\"Chez\" Léo"} 0` + "\n"},
		"a name with a backslash":      {labels: []string{"meter"}, values: []string{`a\n`}, want: `enedis2mqtt_x{meter="a\\n"} 0` + "\n"},
		"a name of two lines":          {labels: []string{"meter"}, values: []string{"a\nb"}, want: `enedis2mqtt_x{meter="a\nb"} 0` + "\n"},
		"two labels":                   {labels: []string{"a", "b"}, values: []string{"1", "2"}, value: -0.5, want: `enedis2mqtt_x{a="1",b="2"} -0.5` + "\n"},
		"a large value, shortest form": {value: 1795341660, want: "enedis2mqtt_x 1.79534166e+09\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			m := metric{name: "x", help: "Back\\slash,\nnew line.", kind: "gauge", labels: tc.labels}
			m.is(tc.value, tc.values...)
			var b strings.Builder
			require.NoError(t, expose(&b, []*metric{{name: "without_samples"}, &m}))
			require.Equal(t, "# HELP enedis2mqtt_x Back\\\\slash,\\nnew line.\n# TYPE enedis2mqtt_x gauge\n"+tc.want, b.String())
		})
	}
}

func TestExposeTellsThatNobodyReads(t *testing.T) {
	m := metric{name: "x"}
	m.is(1)
	require.Error(t, expose(hungUp{}, []*metric{&m}))
}

type hungUp struct{}

func (hungUp) Write([]byte) (int, error) { return 0, errors.New("hung up") }
