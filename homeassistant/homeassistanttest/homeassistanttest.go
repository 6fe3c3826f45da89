// Package homeassistanttest is a Home Assistant for tests: the WebSocket API of its recorder and its Energy dashboard, as
// strict as the real one, whose answers were recorded from 2025.10.4, 2026.2.3 and 2026.11.0. It refuses what they refuse,
// by their codes, queues what is imported, and can be made to misbehave.
package homeassistanttest

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Token is the long-lived access token that is let in.
const Token = "token-of-an-administrator"

// maxMessage is the size of a message, in bytes, above which the connection is cut.
const maxMessage = 4 << 20

// Reply is what becomes of a command.
type Reply int

// The replies.
const (
	Answer        Reply = iota // carry it out and answer
	Swallow                    // neither
	Disconnect                 // cut the connection instead of carrying it out
	DisconnectNow              // carry it out, and cut the connection instead of answering
	Chatter                    // carry it out; before the answer come an event, a pong and an answer to another id
)

// Command is one command that came in.
type Command struct {
	Type string
	Rows int // of an import
}

// Row is one hour as it is kept. A nil number is null.
type Row struct {
	Start      time.Time
	State, Sum *float64
}

// Metadata is what is kept of a statistic.
type Metadata struct {
	Name, Unit, UnitClass *string
	HasSum                bool
	MeanType              int
}

type statistic struct {
	Metadata
	rows []Row // oldest first, one an hour
}

// put keeps a row in the place of another of its hour.
func (s *statistic) put(r Row) {
	i, found := slices.BinarySearchFunc(s.rows, r, func(a, b Row) int { return a.Start.Compare(b.Start) })
	if found {
		s.rows[i] = r
		return
	}
	s.rows = slices.Insert(s.rows, i, r)
}

// Options shape a HomeAssistant.
type Options struct {
	Version  string                // default "2026.11.0"
	Legacy   bool                  // keeps to the metadata of before 2025.11, whatever the version says
	Lag      time.Duration         // from the answer to an import until it can be read
	Loses    func(r Row) bool      // rows that it accepts and never writes; nil for none
	NotAdmin bool                  // the token's user is not an administrator
	Proxied  bool                  // as the Supervisor's proxy: lets in, and hangs up while Home Assistant starts
	Reply    func(c Command) Reply // nil for Answer always; called by many goroutines
}

// HomeAssistant is an http.Handler. Its methods may be called by many goroutines.
type HomeAssistant struct {
	o Options

	mu         sync.Mutex
	statistics map[string]*statistic
	commands   []Command
	warnings   []string
	prefs      json.RawMessage
	migrating  bool
	starting   bool
	token      string
	signIns    int
	backlog    int        // imports that are not written yet
	written    *sync.Cond // of mu: the backlog is shorter
}

// New makes an instance without any statistics.
func New(o Options) *HomeAssistant {
	if o.Version == "" {
		o.Version = "2026.11.0"
	}
	if o.Loses == nil {
		o.Loses = func(Row) bool { return false }
	}
	if o.Reply == nil {
		o.Reply = func(Command) Reply { return Answer }
	}
	h := &HomeAssistant{o: o, statistics: make(map[string]*statistic), token: Token}
	h.written = sync.NewCond(&h.mu)
	return h
}

// SetMigrating says whether the recorder migrates its database.
func (h *HomeAssistant) SetMigrating(migrating bool) { h.set(func() { h.migrating = migrating }) }

// SetStarting says whether the integrations are not set up yet, so that their commands are unknown.
func (h *HomeAssistant) SetStarting(starting bool) { h.set(func() { h.starting = starting }) }

// SetToken changes which token is let in.
func (h *HomeAssistant) SetToken(token string) { h.set(func() { h.token = token }) }

// SetPreferences sets the preferences of the Energy dashboard, as JSON.
func (h *HomeAssistant) SetPreferences(prefs string) {
	h.set(func() { h.prefs = json.RawMessage(prefs) })
}

// Clear removes a statistic, as its users may.
func (h *HomeAssistant) Clear(id string) { h.set(func() { delete(h.statistics, id) }) }

// Put keeps a statistic without an import, as a restored backup or another tool does.
func (h *HomeAssistant) Put(id string, m Metadata, rows ...Row) {
	h.set(func() {
		s := &statistic{Metadata: m}
		for _, r := range rows {
			s.put(r)
		}
		h.statistics[id] = s
	})
}

func (h *HomeAssistant) set(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	do()
}

// Rows gives what is kept of a statistic, oldest first, once all imports so far are written.
func (h *HomeAssistant) Rows(id string) []Row {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.backlog > 0 {
		h.written.Wait()
	}
	s, ok := h.statistics[id]
	if !ok {
		return nil
	}
	return slices.Clone(s.rows)
}

// Metadata gives what is kept of a statistic; ok is false when there is none.
func (h *HomeAssistant) Metadata(id string) (m Metadata, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.statistics[id]
	if ok {
		m = s.Metadata
	}
	return m, ok
}

// Commands gives the commands that came in, in order, and forgets them.
func (h *HomeAssistant) Commands() []Command {
	h.mu.Lock()
	defer h.mu.Unlock()
	commands := h.commands
	h.commands = nil
	return commands
}

// Warnings gives what would stand in the log.
func (h *HomeAssistant) Warnings() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.warnings)
}

// SignIns counts the attempts to sign in.
func (h *HomeAssistant) SignIns() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.signIns
}

// ServeHTTP serves the socket on /api/websocket, that of the Supervisor's proxy on /core/websocket.
func (h *HomeAssistant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := "/api/websocket"
	if h.o.Proxied {
		path = "/core/websocket"
	}
	if r.URL.Path != path {
		http.NotFound(w, r)
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer func() { _ = conn.CloseNow() }() // it may be closed
	conn.SetReadLimit(maxMessage)
	c := &connection{h: h, conn: conn}
	if c.signIn(r.Context()) {
		c.serve(r.Context())
	}
}

// connection is one client.
type connection struct {
	h      *HomeAssistant
	conn   *websocket.Conn
	lastID int64
}

func (c *connection) signIn(ctx context.Context) bool {
	version := c.h.o.Version
	c.send(ctx, map[string]any{"type": "auth_required", "ha_version": version})
	_, body, err := c.conn.Read(ctx)
	if err != nil {
		return false
	}
	var auth struct {
		Type  string `json:"type"`
		Token string `json:"access_token"`
	}
	wellFormed := json.Unmarshal(body, &auth) == nil && auth.Type == "auth"
	c.h.mu.Lock()
	c.h.signIns++
	ok, starting := wellFormed && auth.Token == c.h.token, c.h.starting
	c.h.mu.Unlock()
	if !ok {
		c.send(ctx, map[string]any{"type": "auth_invalid", "message": "Invalid access token or password"})
		_ = c.conn.Close(websocket.StatusNormalClosure, "") // the client may be gone
		return false
	}
	c.send(ctx, map[string]any{"type": "auth_ok", "ha_version": version})
	return !c.h.o.Proxied || !starting
}

func (c *connection) serve(ctx context.Context) {
	for {
		_, body, err := c.conn.Read(ctx)
		if err != nil {
			return
		}
		m, id, kind, ok := parse(body)
		if !ok {
			c.send(ctx, refusal(id, "invalid_format", "Message incorrectly formatted."))
			continue
		}
		if id <= c.lastID {
			c.send(ctx, refusal(id, "id_reuse", "Identifier values have to increase."))
			continue
		}
		c.lastID = id
		command := Command{Type: kind, Rows: countRows(m)}
		c.h.set(func() { c.h.commands = append(c.h.commands, command) })
		if !c.answer(ctx, c.h.o.Reply(command), id, kind, m) {
			return
		}
	}
}

// answer tells whether the connection goes on.
func (c *connection) answer(ctx context.Context, reply Reply, id int64, kind string, m fields) bool {
	if reply == Swallow {
		return true
	}
	if reply == Disconnect {
		return false
	}
	said := c.h.carryOut(id, kind, m)
	if reply == DisconnectNow {
		return false
	}
	if reply == Chatter {
		c.send(ctx, map[string]any{"id": id, "type": "event", "event": map[string]any{}})
		c.send(ctx, map[string]any{"id": id, "type": "pong"})
		c.send(ctx, map[string]any{"id": id + 1000, "type": "result", "success": true, "result": "not yours"})
	}
	c.send(ctx, said)
	return true
}

func (c *connection) send(ctx context.Context, v any) {
	body, err := json.Marshal(v)
	if err == nil {
		_ = c.conn.Write(ctx, websocket.MessageText, body) // the next read tells
	}
}

func refusal(id int64, code, message string) map[string]any {
	return map[string]any{
		"id": id, "type": "result", "success": false, "error": map[string]any{"code": code, "message": message},
	}
}

func success(id int64, result any) map[string]any {
	return map[string]any{"id": id, "type": "result", "success": true, "result": result}
}
