package main

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// variables lists the names of all settings that this version uses.
func variables() []string {
	var names []string
	fields(&environment{}, func(f reflect.StructField, _ reflect.Value) {
		name := f.Tag.Get("envconfig")
		names = append(names, name)
		if f.Type == reflect.TypeFor[secret]() {
			names = append(names, name+"_FILE")
		}
	})
	return names
}

// unknownVariables warns of what has one of our prefixes and is no setting.
func unknownVariables(environ []string) (warnings []notice) {
	known := variables()
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		switch {
		case slices.Contains(known, name):
		case slices.Contains(later, strings.TrimSuffix(name, "_FILE")):
			warnings = append(warnings, notice{
				fr: name + " n'est pas utilisé par cette version",
				en: name + " is not used by this version",
			})
		case ours(name):
			meant := nearest(name, known)
			warnings = append(warnings, notice{
				fr: fmt.Sprintf("%s n'est pas un réglage ; vouliez-vous dire %s ?", name, meant),
				en: fmt.Sprintf("%s is no setting; did you mean %s?", name, meant),
			})
		}
	}
	slices.SortFunc(warnings, func(a, b notice) int { return cmp.Compare(a.en, b.en) })
	return warnings
}

func ours(name string) bool {
	for _, prefix := range []string{"ENEDIS_", "MQTT_", "HOMEASSISTANT_", "CONSO_API_", "MYELECTRICALDATA_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// nearest is the name with the least edits, of those that go on as the given one does, if there are any.
func nearest(name string, names []string) string {
	longer := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !strings.HasPrefix(n, name) })
	if len(longer) > 0 {
		names = longer
	}
	return slices.MinFunc(names, func(a, b string) int { return edits(name, a) - edits(name, b) })
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
