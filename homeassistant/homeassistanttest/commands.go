package homeassistanttest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// fields are those of a message or of a part of it.
type fields map[string]json.RawMessage

func parse(body []byte) (m fields, id int64, kind string, ok bool) {
	ok = json.Unmarshal(body, &m) == nil &&
		json.Unmarshal(m["id"], &id) == nil && id > 0 &&
		json.Unmarshal(m["type"], &kind) == nil && kind != ""
	delete(m, "id")
	delete(m, "type")
	return m, id, kind, ok
}

func countRows(m fields) int {
	var stats []json.RawMessage
	if json.Unmarshal(m["stats"], &stats) != nil {
		return 0
	}
	return len(stats)
}

// fault is a refusal on its way to the answer.
type fault struct{ code, message string }

func (f *fault) Error() string { return f.code + ": " + f.message }

func invalid(format string, args ...any) error {
	return &fault{"invalid_format", fmt.Sprintf(format, args...)}
}

func failed(format string, args ...any) error {
	return &fault{"home_assistant_error", fmt.Sprintf(format, args...)}
}

// strictly refuses a field that is not known, and one that is required and missing, in the words of the version.
func (h *HomeAssistant) strictly(m fields, where string, required, optional []string) error {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if slices.Contains(required, name) || slices.Contains(optional, name) {
			continue
		}
		if h.since(2026, 9) {
			return invalid("not a valid option at '%s%s'. Got %s", where, name, m[name])
		}
		return invalid("extra keys not allowed @ data['%s%s']. Got %s", where, name, m[name])
	}
	for _, name := range required {
		if _, ok := m[name]; !ok {
			return invalid("required key not provided at '%s%s'. Got None", where, name)
		}
	}
	return nil
}

// carryOut gives the answer to a command.
func (h *HomeAssistant) carryOut(id int64, kind string, m fields) map[string]any {
	h.mu.Lock()
	defer h.mu.Unlock()
	commands := map[string]func(fields) (any, error){
		"recorder/info":                     h.info,
		"recorder/list_statistic_ids":       h.listIDs,
		"recorder/get_statistics_metadata":  h.getMetadata,
		"recorder/import_statistics":        h.importStatistics,
		"recorder/statistics_during_period": h.duringPeriod,
		"energy/get_prefs":                  h.getPreferences,
		"auth/current_user":                 h.currentUser,
	}
	do, ok := commands[kind]
	if !ok || h.starting && kind != "auth/current_user" {
		return refusal(id, "unknown_command", "Unknown command.")
	}
	result, err := do(m)
	if err != nil {
		f, _ := err.(*fault) //nolint:errorlint // the commands return nothing else, and nothing wraps it
		return refusal(id, f.code, f.message)
	}
	return success(id, result)
}

func (h *HomeAssistant) info(m fields) (any, error) {
	if err := h.strictly(m, "", nil, nil); err != nil {
		return nil, err
	}
	return map[string]any{
		"backlog": 0, "max_backlog": 65000, "recording": true, "thread_running": true,
		"migration_in_progress": h.migrating, "migration_is_live": false,
	}, nil
}

func (h *HomeAssistant) currentUser(m fields) (any, error) {
	if err := h.strictly(m, "", nil, nil); err != nil {
		return nil, err
	}
	return map[string]any{
		"id": "8f3e", "name": "Home", "is_owner": false, "is_admin": !h.o.NotAdmin, "credentials": []any{}, "mfa_modules": []any{},
	}, nil
}

func (h *HomeAssistant) getPreferences(m fields) (any, error) {
	if err := h.strictly(m, "", nil, nil); err != nil {
		return nil, err
	}
	if h.prefs == nil {
		return nil, &fault{"not_found", "No prefs"}
	}
	return h.prefs, nil
}

func (h *HomeAssistant) getMetadata(m fields) (any, error) {
	if err := h.strictly(m, "", nil, []string{"statistic_ids"}); err != nil {
		return nil, err
	}
	var ids []string
	if err := json.Unmarshal(m["statistic_ids"], &ids); err != nil {
		return nil, invalid("expected a list at 'statistic_ids'")
	}
	found := []map[string]any{}
	for _, id := range ids {
		s, ok := h.statistics[id]
		if !ok {
			continue
		}
		found = append(found, s.item(id))
	}
	return found, nil
}

// item is a statistic as lists have it.
func (s *statistic) item(id string) map[string]any {
	source, _, external := strings.Cut(id, ":")
	if !external {
		source = "recorder"
	}
	return map[string]any{
		"statistic_id": id, "source": source, "name": s.Name, "has_sum": s.HasSum, "has_mean": s.MeanType != 0,
		"display_unit_of_measurement": s.Unit, "statistics_unit_of_measurement": s.Unit,
		"unit_class": s.UnitClass, "mean_type": s.MeanType,
	}
}

// listIDs is recorder/list_statistic_ids.
func (h *HomeAssistant) listIDs(m fields) (any, error) {
	if err := h.strictly(m, "", nil, []string{"statistic_type"}); err != nil {
		return nil, err
	}
	var kind string
	if text, ok := m["statistic_type"]; ok && json.Unmarshal(text, &kind) != nil || kind != "" && kind != "sum" && kind != "mean" {
		return nil, invalid("expected sum or mean at 'statistic_type'")
	}
	found := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(h.statistics)) {
		if s := h.statistics[id]; kind == "" || kind == "sum" && s.HasSum || kind == "mean" && s.MeanType != 0 {
			found = append(found, s.item(id))
		}
	}
	return found, nil
}

// query is recorder/statistics_during_period.
type query struct {
	Start  string   `json:"start_time"`
	End    string   `json:"end_time"`
	IDs    []string `json:"statistic_ids"`
	Period string   `json:"period"`
	Types  []string `json:"types"`
}

func (h *HomeAssistant) duringPeriod(m fields) (any, error) {
	required := []string{"start_time", "statistic_ids", "period"}
	if err := h.strictly(m, "", required, []string{"end_time", "units", "types"}); err != nil {
		return nil, err
	}
	body, err := json.Marshal(m)
	if err != nil {
		return nil, invalid("%v", err)
	}
	var q query
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, invalid("%v", err)
	}
	if len(q.IDs) == 0 || q.Period != "hour" && q.Period != "month" {
		return nil, invalid("value is not allowed at 'period' or 'statistic_ids'")
	}
	start, err := time.Parse(time.RFC3339, q.Start)
	if err != nil {
		return nil, &fault{"invalid_start_time", "Invalid start_time"}
	}
	end := time.Unix(1<<40, 0)
	if q.End != "" {
		if end, err = time.Parse(time.RFC3339, q.End); err != nil {
			return nil, &fault{"invalid_end_time", "Invalid end_time"}
		}
	}
	result := make(map[string]any)
	for _, id := range q.IDs {
		if s, ok := h.statistics[id]; ok {
			if rows := during(s.rows, start, end, q); len(rows) > 0 {
				result[id] = rows
			}
		}
	}
	return result, nil
}

// during gives the rows of the span in epoch milliseconds; of each month, the last one. Months are those of UTC here.
func during(all []Row, start, end time.Time, q query) []map[string]any {
	var rows []map[string]any
	for _, r := range all {
		if r.Start.Before(start) || !r.Start.Before(end) {
			continue
		}
		from, to := r.Start.UTC(), r.Start.Add(time.Hour)
		if q.Period == "month" {
			from = time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, time.UTC)
			to = from.AddDate(0, 1, 0)
		}
		row := map[string]any{"start": from.UnixMilli(), "end": to.UnixMilli()}
		if slices.Contains(q.Types, "state") {
			row["state"] = r.State
		}
		if slices.Contains(q.Types, "sum") {
			row["sum"] = r.Sum
		}
		if n := len(rows); n > 0 && rows[n-1]["start"] == row["start"] {
			rows = rows[:n-1]
		}
		rows = append(rows, row)
	}
	return rows
}
