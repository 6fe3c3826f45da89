package homeassistant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/coder/websocket"
)

// answer is a message to us. Events and pongs come between the results, and results in any order.
type answer struct {
	ID      int64           `json:"id"`
	Type    string          `json:"type"`
	Success bool            `json:"success"`
	Result  json.RawMessage `json:"result"`
	Error   struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// call sends a command and reads its result into v, unless v is nil. The error is an *Error, ErrBroken, ErrNotReady for a
// connection that ends before it gave any answer, or the context's.
func (c *Client) call(ctx context.Context, command string, fields map[string]any, v any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	id, answers, err := c.send(ctx, command, fields)
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	defer c.forget(id)
	select {
	case a := <-answers:
		return a.read(command, v)
	case <-c.done:
	case <-ctx.Done():
		return fmt.Errorf("%s: no answer: %w", command, ctx.Err())
	}
	select { // the answer may have been the connection's last word
	case a := <-answers:
		return a.read(command, v)
	default:
		return fmt.Errorf("%s: %w", command, c.reason())
	}
}

// send writes a command under the next id.
func (c *Client) send(ctx context.Context, command string, fields map[string]any) (int64, <-chan answer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastID++
	message := map[string]any{"id": c.lastID, "type": command}
	maps.Copy(message, fields)
	body, err := json.Marshal(message)
	if err != nil {
		return 0, nil, err
	}
	answers := make(chan answer, 1)
	c.waiting[c.lastID] = answers
	if err := c.conn.Write(ctx, websocket.MessageText, body); err != nil {
		delete(c.waiting, c.lastID)
		return 0, nil, c.lost(err)
	}
	return c.lastID, answers, nil
}

func (c *Client) forget(id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, id)
}

// read hands results to those who wait for them, until the connection ends. Pings are answered meanwhile.
func (c *Client) read(ctx context.Context) {
	defer close(c.done)
	for {
		_, body, err := c.conn.Read(ctx)
		if err != nil {
			c.mu.Lock()
			c.broken = err
			c.mu.Unlock()
			return
		}
		var a answer
		if json.Unmarshal(body, &a) == nil && a.Type == "result" {
			c.deliver(a)
		}
	}
}

func (c *Client) deliver(a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answered = true
	if waiting, ok := c.waiting[a.ID]; ok {
		delete(c.waiting, a.ID) // one answer is enough
		waiting <- a
	}
}

func (c *Client) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost(c.broken)
}

// lost says what the end of the connection means; c.mu is held. The Supervisor lets us in before it knows whether Home
// Assistant is there, and then hangs up.
func (c *Client) lost(err error) error {
	if !c.answered && websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
		return fmt.Errorf("%w: %w", ErrNotReady, broken(err))
	}
	return broken(err)
}

// broken keeps the cause's text, and hides that the end of a stream is io.EOF.
func broken(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, io.EOF) || websocket.CloseStatus(err) >= 0 {
		return ErrBroken
	}
	return fmt.Errorf("%w: %w", ErrBroken, err)
}

func (a answer) read(command string, v any) error {
	if !a.Success {
		return &Error{Command: command, Code: a.Error.Code, Message: a.Error.Message}
	}
	if v == nil {
		return nil
	}
	if err := json.Unmarshal(a.Result, v); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	return nil
}
