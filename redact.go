package main

import (
	"os"
	"reflect"
	"regexp"
	"strings"
)

var (
	longDigits = regexp.MustCompile(`[0-9]{14,}`)                         // a PRM, alone or within something longer
	spacedPRM  = regexp.MustCompile(`\b[0-9]{2}(?:[\s.-]?[0-9]{3}){4}\b`) // as bills write it
	email      = regexp.MustCompile(`[^\s@<>"']+@[^\s@<>"']+`)
	tokenLike  = regexp.MustCompile(`[0-9A-Za-z_=-]{24,}|[\w-]{8,}\.[\w-]{8,}\.[\w-]+`) // that has a digit, see cleaned
)

// cleaned is a text of others without numbers of meters, e-mail addresses and what looks like a token.
func cleaned(text string) string {
	text = email.ReplaceAllString(text, "[e-mail]")
	text = tokenLike.ReplaceAllStringFunc(text, func(found string) string {
		if strings.ContainsAny(found, "0123456789") {
			return "[token]"
		}
		return found
	})
	return spacedPRM.ReplaceAllString(longDigits.ReplaceAllString(text, "…"), "…")
}

// redactor takes out of a text what must not be read in it: secrets, names of meters, the folder of the user.
type redactor struct{ replacer *strings.Replacer }

func newRedactor(env environment, s settings) redactor {
	var pairs []string
	hide := func(value, by string) {
		if len(value) > 3 { // what is shorter stands in every text
			pairs = append(pairs, value, by)
		}
	}
	fields(&env, func(f reflect.StructField, v reflect.Value) {
		if f.Type == reflect.TypeFor[secret]() {
			hide(v.String(), "[redacted]")
		}
	})
	for _, token := range s.conso.tokens {
		hide(string(token), "[redacted]")
	}
	for _, token := range s.med.tokens {
		hide(string(token), "[redacted]")
	}
	for _, m := range s.meters {
		if m.Name != "Linky "+m.PRM.Tail() {
			hide(m.Name, "[name]")
		}
	}
	if home, err := os.UserHomeDir(); err == nil {
		hide(home+string(os.PathSeparator), "~"+string(os.PathSeparator))
	}
	return redactor{strings.NewReplacer(pairs...)}
}

func (r redactor) redact(text string) string {
	return longDigits.ReplaceAllString(r.replacer.Replace(text), "…")
}
