package store

import "context"

// SaveTopics remembers many topics at once, each with its note.
func (s *Store) SaveTopics(ctx context.Context, notes map[string]string) error {
	return s.write(ctx, "save topics", func(ctx context.Context, t *tx) error {
		for topic, note := range notes {
			err := t.exec(ctx, `INSERT INTO topics (topic, note) VALUES (?, ?)
				ON CONFLICT (topic) DO UPDATE SET note = excluded.note`, topic, note)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteTopic forgets a topic that was removed from the broker.
func (s *Store) DeleteTopic(ctx context.Context, topic string) error {
	return s.write(ctx, "delete topic", func(ctx context.Context, t *tx) error {
		return t.exec(ctx, `DELETE FROM topics WHERE topic = ?`, topic)
	})
}

// Topics gives the note of each retained topic that exists because of us.
func (s *Store) Topics(ctx context.Context) (map[string]string, error) {
	notes := make(map[string]string)
	err := s.reader.each(ctx, "topics", `SELECT topic, note FROM topics`, nil, func(scan scan) error {
		var topic, note string
		err := scan(&topic, &note)
		notes[topic] = note
		return err
	})
	if err != nil {
		return nil, err
	}
	return notes, nil
}
