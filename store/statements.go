package store

import (
	"context"
	"database/sql"
	"sync"
)

// statements are those of the writing connection, prepared once: preparing them in each transaction took an eighth of the time
// in which years of history come in. One that is met for the first time is prepared in its transaction, and then, before the
// next one, to stay.
type statements struct {
	mu    sync.Mutex
	ready map[string]*sql.Stmt // nil for one that is to be prepared
}

// within gives a statement for use in a transaction.
func (s *statements) within(ctx context.Context, t *sql.Tx, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	if s.ready == nil {
		s.ready = make(map[string]*sql.Stmt)
	}
	stmt := s.ready[query]
	s.ready[query] = stmt
	s.mu.Unlock()
	if stmt == nil {
		return t.PrepareContext(ctx, query)
	}
	return t.StmtContext(ctx, stmt), nil
}

// prepare prepares what was met, and waits for the connection to be free. What fails is prepared in its transaction again, which
// tells why.
func (s *statements) prepare(ctx context.Context, db *sql.DB) {
	for _, query := range s.met() {
		stmt, err := db.PrepareContext(ctx, query)
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.ready[query] == nil {
			s.ready[query], stmt = stmt, nil
		}
		s.mu.Unlock()
		if stmt != nil {
			_ = stmt.Close() // another writer was faster
		}
	}
}

// met lists the statements that are to be prepared. Nobody may wait for the connection with the lock held: a transaction, which
// has the connection, takes it for each statement.
func (s *statements) met() (queries []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for query, stmt := range s.ready {
		if stmt == nil {
			queries = append(queries, query)
		}
	}
	return queries
}
