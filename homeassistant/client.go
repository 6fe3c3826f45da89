package homeassistant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"github.com/coder/websocket"
)

// maxAnswer is the largest message that is read, in bytes. A year of rows is about 1 MB.
const maxAnswer = 8 << 20

// Client is one connection to Home Assistant. Its methods may be called by many goroutines; each gives up after 30 s.
type Client struct {
	conn    *websocket.Conn
	version string
	hangUp  context.CancelFunc
	done    chan struct{} // closed when the reader has ended

	mu       sync.Mutex // also held while a command is written: ids must grow on the wire
	lastID   int64
	waiting  map[int64]chan answer
	answered bool  // a command was
	broken   error // why the reader has ended
	style    style // of metadata
}

// Dial connects to an address of Endpoint and signs in. The connection ends with ctx, or with Close. A nil httpClient is one
// that keeps to the rules of Endpoint. The error is ErrToken when the token is refused; no error has the token in its text.
func Dial(ctx context.Context, endpoint *url.URL, token string, httpClient *http.Client) (*Client, error) {
	if httpClient == nil {
		httpClient = newHTTPClient(endpoint)
	}
	handshake, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	options := &websocket.DialOptions{HTTPClient: httpClient}
	conn, resp, err := websocket.Dial(handshake, endpoint.String(), options) //nolint:bodyclose // Dial leaves none to close
	if err != nil {
		return nil, dialError(endpoint, resp, err)
	}
	conn.SetReadLimit(maxAnswer)
	version, err := signIn(handshake, conn, token)
	if err != nil {
		_ = conn.CloseNow() // what went wrong is known
		return nil, fmt.Errorf("%s: %w", endpoint.Host, err)
	}
	c := &Client{
		conn: conn, version: version, style: styleOf(version),
		done: make(chan struct{}), waiting: make(map[int64]chan answer),
	}
	ctx, c.hangUp = context.WithCancel(ctx)
	go c.read(ctx)
	return c, nil
}

// dialError names the host in place of the URL. The response is nil when there was none.
func dialError(endpoint *url.URL, resp *http.Response, err error) error {
	if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("%s: answers %s with HTTP status %d and not as Home Assistant does",
			endpoint.Host, endpoint.Path, resp.StatusCode)
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return fmt.Errorf("%s: %w", endpoint.Host, err)
}

// signIn answers the question for the token, and gives Home Assistant's version.
func signIn(ctx context.Context, conn *websocket.Conn, token string) (version string, err error) {
	var greeting struct {
		Type    string `json:"type"`
		Version string `json:"ha_version"`
	}
	if err := readJSON(ctx, conn, &greeting); err != nil {
		return "", err
	}
	if greeting.Type != "auth_required" {
		return "", fmt.Errorf("greets with %q: is this Home Assistant?", greeting.Type)
	}
	body, err := json.Marshal(map[string]string{"type": "auth", "access_token": token})
	if err != nil {
		return "", err
	}
	if err := conn.Write(ctx, websocket.MessageText, body); err != nil {
		return "", broken(err)
	}
	if err := readJSON(ctx, conn, &greeting); err != nil {
		return "", err
	}
	switch greeting.Type {
	case "auth_ok":
		return greeting.Version, nil
	case "auth_invalid":
		return "", ErrToken
	}
	return "", fmt.Errorf("answers the token with %q", greeting.Type)
}

func readJSON(ctx context.Context, conn *websocket.Conn, v any) error {
	_, body, err := conn.Read(ctx)
	if err != nil {
		return broken(err)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("greets with no JSON: %w", err)
	}
	return nil
}

// Version is Home Assistant's, as in "2026.11.0".
func (c *Client) Version() string { return c.version }

// Close says goodbye and waits for the connection's end.
func (c *Client) Close() error {
	err := c.conn.Close(websocket.StatusNormalClosure, "")
	c.hangUp()
	<-c.done
	return err
}
