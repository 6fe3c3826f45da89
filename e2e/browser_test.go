//go:build e2e

package e2e

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// lan is a name of this machine for the browser alone. Over plain HTTP, a browser trusts it as little as any other in a
// home's network, unlike a loopback address: it does not tell the page where a request comes from.
const lan = "linky.test"

// patience is how long a page may take.
const patience = 30 * time.Second

// browser is a tab of a real Chromium that reaches nothing but this machine.
type browser struct{ ctx context.Context }

// openBrowser starts it with an empty profile.
func openBrowser(t *testing.T) browser {
	t.Helper()
	options := slices.Concat(chromedp.DefaultExecAllocatorOptions[:], []chromedp.ExecAllocatorOption{
		chromedp.ExecPath("chromium"),
		chromedp.NoSandbox, // it does not run as root with one
		chromedp.DisableGPU,
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("host-resolver-rules", "MAP "+lan+" 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
	})
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(ctx)) // the context of the first action is the browser's life
	return browser{ctx}
}

// do does one thing after the other.
func (b browser) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	require.NoError(t, chromedp.Do(ctx, steps...))
}

// read asks the tab for something.
func read[T any](t *testing.T, b browser, question chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	answer, err := chromedp.Run(ctx, question)
	require.NoError(t, err)
	return answer
}

// address is what stands in the address bar.
func (b browser) address(t *testing.T) string {
	t.Helper()
	return read(t, b, chromedp.Location())
}

// text is what the page says.
func (b browser) text(t *testing.T) string {
	t.Helper()
	return read(t, b, chromedp.Text(chromedp.CSS("body")))
}

// openInNewTab clicks on a link that opens a tab of its own.
func (b browser) openInNewTab(t *testing.T, link chromedp.ID) browser {
	t.Helper()
	before := b.tabs(t)
	b.do(t, chromedp.Click(link))
	var opened []target.ID
	await(t, "a tab opens", patience, func() error {
		opened = slices.DeleteFunc(b.tabs(t), func(id target.ID) bool { return slices.Contains(before, id) })
		if len(opened) == 0 {
			return errors.New("there is no tab but those before")
		}
		return nil
	})
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithTargetID(opened[0]))
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(ctx))
	return browser{ctx}
}

func (b browser) tabs(t *testing.T) []target.ID {
	t.Helper()
	targets, err := chromedp.Targets(b.ctx)
	require.NoError(t, err)
	var ids []target.ID
	for _, one := range targets {
		if one.Type == "page" {
			ids = append(ids, one.TargetID)
		}
	}
	return ids
}
