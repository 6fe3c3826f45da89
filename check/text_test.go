package check

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis"
)

// TestPhrasesSayTheSameInBothLanguages reads the phrases in the source: both have the same verbs, and neither is missing.
func TestPhrasesSayTheSameInBothLanguages(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "text.go", nil, 0)
	require.NoError(t, err)
	verbs := regexp.MustCompile(`%.`)
	phrases := 0
	ast.Inspect(file, func(n ast.Node) bool {
		list, ok := n.(*ast.CompositeLit)
		if !ok || len(list.Elts) != 2 {
			return true
		}
		fr, isText := literal(list.Elts[0])
		en, both := literal(list.Elts[1])
		if !isText || !both {
			return true
		}
		phrases++
		require.NotEmpty(t, fr)
		require.NotEmpty(t, en)
		require.Equal(t, verbs.FindAllString(fr, -1), verbs.FindAllString(en, -1), "%s / %s", fr, en)
		return true
	})
	require.Greater(t, phrases, 60)
}

// literal is a text in the source, with what is added to it left out.
func literal(e ast.Expr) (text string, ok bool) {
	if sum, isSum := e.(*ast.BinaryExpr); isSum {
		e = sum.X
	}
	value, ok := e.(*ast.BasicLit)
	if !ok || value.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(value.Value)
	return text, err == nil
}

func TestPrint(t *testing.T) {
	t.Parallel()
	r := Report{Checks: []Result{
		{Name: "settings", Status: OK, Message: "Good."},
		{Name: "consent", Subject: "…0987 dataconnect", Status: Failed, Message: "Bad.", Remedy: "Mend it."},
		{Name: "home_assistant", Status: Skipped, Message: "Later."},
		{Name: "clock", Status: Warning, Message: "Odd.", Remedy: "Set it."},
	}}
	var text bytes.Buffer
	require.NoError(t, r.Print(&text, contract.French))
	require.Equal(t, strings.TrimPrefix(`
✓ réglages                        Good.
✗ consentement …0987 dataconnect  Bad.
                                  → Mend it.
– Home Assistant                  Later.
! horloge                         Odd.
                                  → Set it.

1 essai(s) sur 4 ont échoué.
`, "\n"), text.String())
	r.Checks[1].Status = OK
	require.Equal(t, "Nothing failed; 1 thing(s) to look at.", r.Summary(contract.English))
	require.Equal(t, "All is well.", Report{}.Summary(contract.English))
}

// TestTextsOfOthersAreCleaned: what a source or a library says may quote anything.
func TestTextsOfOthersAreCleaned(t *testing.T) {
	t.Parallel()
	c := &checker{Options: Options{Locale: contract.English}}
	c.add(Result{
		Message: "refused: 09876543210987 with eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOlsi.abc-def",
		Remedy:  "look at https://mon-compte-particulier.enedis.fr/donnees",
	})
	one := c.report().Checks[0]
	require.Equal(t, "refused: … with …", one.Message)
	require.Equal(t, "look at https://mon-compte-particulier.enedis.fr/donnees", one.Remedy)
}

func TestShortly(t *testing.T) {
	t.Parallel()
	for text, d := range map[string]time.Duration{
		"3 s": 3 * time.Second, "10 min": 10 * time.Minute, "1 min 5 s": 65 * time.Second, "1 h": time.Hour,
		"12 h 30 min": 12*time.Hour + 30*time.Minute, "3 d": 72 * time.Hour,
	} {
		require.Equal(t, text, shortly(d))
	}
}

// TestDayWithin has the figures of the sources: with N meters a day takes N × series ÷ 1000 hours on Data Connect.
func TestDayWithin(t *testing.T) {
	t.Parallel()
	perHour := enedis.Traits{Rate: 4.5, Limits: []enedis.Limit{{Window: time.Hour, Scope: enedis.ScopeAPI, Calls: 1000}}}
	require.Equal(t, 15*time.Hour, dayWithin(perHour, 15_000))
	perAddress := enedis.Traits{Rate: 1, Limits: []enedis.Limit{{Window: 12 * time.Hour, Scope: enedis.ScopeAddress, Calls: 60}}}
	require.Equal(t, time.Hour, dayWithin(perAddress, 5))
	perToken := enedis.Traits{Rate: 1, Limits: []enedis.Limit{{Window: 24 * time.Hour, Scope: enedis.ScopeCredential, Calls: 40}}}
	require.Equal(t, 5*time.Second, dayWithin(perToken, 5), "each token has a budget of its own")
}
