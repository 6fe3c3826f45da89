package web

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// metricPrefix begins the name of each metric.
const metricPrefix = "enedis2mqtt_"

// metric is one metric with its samples of one scrape.
type metric struct {
	name, help string
	kind       string   // gauge or counter
	labels     []string // names, sorted
	samples    []sample
}

// sample is a value with the labels that tell it from others, as in {meter="Maison"}; empty for a metric without labels.
type sample struct {
	labels string
	value  float64
}

// is adds a sample; label values stand in the order of the labels' names.
func (m *metric) is(value float64, labels ...string) {
	m.samples = append(m.samples, sample{labelled(m.labels, labels), value})
}

// labelled is the part of a sample between the name and the value.
func labelled(names, values []string) string {
	if len(names) == 0 {
		return ""
	}
	pairs := make([]string, len(names))
	for i, name := range names {
		pairs[i] = name + `="` + labelEscapes.Replace(values[i]) + `"`
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// What the format wants written in another way: https://prometheus.io/docs/instrumenting/exposition_formats/
var (
	labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
)

// expositionType is the content type of what expose writes.
const expositionType = "text/plain; version=0.0.4; charset=utf-8"

// expose writes metrics in Prometheus's text format, each with its help and type, metrics and samples sorted. A metric
// without samples is left out.
func expose(w io.Writer, metrics []*metric) error {
	metrics = slices.SortedFunc(slices.Values(metrics), func(a, b *metric) int { return strings.Compare(a.name, b.name) })
	for _, m := range metrics {
		if len(m.samples) == 0 {
			continue
		}
		name := metricPrefix + m.name
		_, err := fmt.Fprintf(w, "# HELP %s %s\n# TYPE %[1]s %[3]s\n", name, helpEscapes.Replace(m.help), m.kind)
		if err != nil {
			return err
		}
		slices.SortFunc(m.samples, func(a, b sample) int { return strings.Compare(a.labels, b.labels) })
		for _, s := range m.samples {
			if _, err := fmt.Fprintf(w, "%s%s %s\n", name, s.labels, strconv.FormatFloat(s.value, 'g', -1, 64)); err != nil {
				return err
			}
		}
	}
	return nil
}
