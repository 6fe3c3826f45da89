package store

import (
	"context"
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestMeters(t *testing.T) {
	s := open(t, t.TempDir())
	kva := 9.5
	first := Meter{
		PRM:       daily.PRM,
		FirstSeen: noon,
		Directions: map[meter.Direction]DirectionState{
			meter.Consumption: {Standing: Exists, How: "contract", At: noon, Activation: yesterday - 900},
			meter.Production:  {Standing: Absent, How: "no_data", At: noon, AskAgain: noon.Add(720 * time.Hour)},
		},
		Wanted: map[meter.Measure]Wanted{
			meter.Daily:     {First: yesterday - 900, Floor: yesterday - 300, Stopped: yesterday - 1100},
			meter.LoadCurve: {First: yesterday - 6},
		},
		Series: map[meter.Series]SeriesState{
			daily: {RefusedStart: yesterday - 400},
			curve: {NotCollected: noon},
		},
		Contract: Contract{
			ReadAt: noon, NotBefore: noon.Add(time.Hour), Directions: []meter.Direction{meter.Consumption, meter.Production},
			SubscribedKVA: &kva, Tariff: "Tarif réglementé", OffPeak: "HC (22H00-6H00)",
		},
	}
	empty := func(prm meter.PRM, seen time.Time) Meter {
		return Meter{
			PRM: prm, FirstSeen: seen,
			Directions: map[meter.Direction]DirectionState{},
			Wanted:     map[meter.Measure]Wanted{},
			Series:     map[meter.Series]SeriesState{},
		}
	}
	second := empty(otherCurve.PRM, noon.Add(-time.Hour))
	second.Contract.Directions = []meter.Direction{}
	meters := func() []Meter {
		all, err := s.Meters(t.Context())
		require.NoError(t, err)
		return all
	}
	require.Empty(t, meters())
	require.NoError(t, s.SaveMeter(t.Context(), first))
	require.NoError(t, s.SaveMeter(t.Context(), second))
	require.Equal(t, []Meter{second, first}, meters())

	merge(t, s, daily, value(yesterday, 1))
	require.NoError(t, s.SaveMeter(t.Context(), Meter{PRM: first.PRM, FirstSeen: noon}))
	cleared := empty(first.PRM, noon)
	cleared.UpdatedAt = noon
	require.Equal(t, []Meter{second, cleared}, meters(), "what is not saved is forgotten, but the update")
	require.Len(t, daysOf(t.Context(), t, s, daily, meter.Days{From: 0, To: yesterday + 1}), 1)
}

func TestArrivals(t *testing.T) {
	s := open(t, t.TempDir())
	var want []Arrival
	for i := range 20 {
		a := Arrival{Day: yesterday - 19 + meter.Day(i), Minutes: 400 + i}
		want = append(want, a)
		require.NoError(t, s.AddArrival(t.Context(), daily.PRM, a))
	}
	require.NoError(t, s.AddArrival(t.Context(), daily.PRM, Arrival{Day: yesterday, Minutes: 1}), "the first one stands")
	require.NoError(t, s.AddArrival(t.Context(), daily.PRM, Arrival{Day: yesterday - 30, Minutes: 1}), "too old to count")
	require.NoError(t, s.AddArrival(t.Context(), otherCurve.PRM, want[0]))
	got, err := s.Arrivals(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[meter.PRM][]Arrival{daily.PRM: want[6:], otherCurve.PRM: want[:1]}, got)
}

func TestCalls(t *testing.T) {
	s := open(t, t.TempDir())
	call := func(at time.Time) Call {
		return Call{
			Source: "myelectricaldata", API: "consumption_load_curve", Credential: at.Format("token-05"), PRM: daily.PRM, At: at,
		}
	}
	clock := noon
	s.now = func() time.Time { return clock }
	for _, at := range []time.Time{noon, noon.Add(-time.Hour), noon.Add(time.Minute)} {
		require.NoError(t, s.AddCall(t.Context(), call(at)))
	}
	got, err := s.Calls(t.Context(), noon)
	require.NoError(t, err)
	require.Equal(t, []Call{call(noon), call(noon.Add(time.Minute))}, got)

	clock = noon.Add(25 * time.Hour)
	token := Call{Source: dataconnect, API: "token", At: clock}
	require.NoError(t, s.AddCall(t.Context(), token))
	got, err = s.Calls(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Equal(t, []Call{call(noon), call(noon.Add(time.Minute)), token}, got)
}

func TestSmallThings(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()

	backoff := Backoff{Source: dataconnect, Failures: 3, Until: noon, Outcome: SourceDown, Detail: "no route"}
	require.NoError(t, s.SaveBackoff(ctx, Backoff{Source: dataconnect, Failures: 2}))
	require.NoError(t, s.SaveBackoff(ctx, backoff))
	require.NoError(t, s.SaveBackoff(ctx, Backoff{Source: "consoapi"}))
	backoffs, err := s.Backoffs(ctx)
	require.NoError(t, err)
	require.Equal(t, map[string]Backoff{dataconnect: backoff, "consoapi": {Source: "consoapi"}}, backoffs)

	require.NoError(t, s.SaveLights(ctx, map[meter.PRM]Light{daily.PRM: {Level: "red", Since: noon}}))
	require.NoError(t, s.SaveLights(ctx, map[meter.PRM]Light{daily.PRM: {Level: "green", Since: noon.Add(time.Hour)}}))
	lights, err := s.Lights(ctx)
	require.NoError(t, err)
	require.Equal(t, map[meter.PRM]Light{daily.PRM: {Level: "green", Since: noon.Add(time.Hour)}}, lights)

	require.NoError(t, s.SaveTopics(ctx, map[string]string{"a/1": "x", "a/2": "y", "a/3": "z"}))
	require.NoError(t, s.SaveTopics(ctx, map[string]string{"a/1": "again"}))
	require.NoError(t, s.DeleteTopic(ctx, "a/3"))
	topics, err := s.Topics(ctx)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a/1": "again", "a/2": "y"}, topics)

	_, ok, err := s.Value(ctx, "client_id")
	require.NoError(t, err)
	require.False(t, ok)
	require.NoError(t, s.SetValue(ctx, "client_id", "first"))
	require.NoError(t, s.SetValue(ctx, "client_id", ""))
	got, ok, err := s.Value(ctx, "client_id")
	require.NoError(t, err)
	require.True(t, ok)
	require.Empty(t, got)
}

func TestHeartbeat(t *testing.T) {
	dir := t.TempDir()
	_, err := Heartbeat(t.Context(), dir)
	require.ErrorIs(t, err, fs.ErrNotExist, "no store")
	s, err := Open(t.Context(), dir, options())
	require.NoError(t, err)
	_, err = Heartbeat(t.Context(), dir)
	require.ErrorIs(t, err, fs.ErrNotExist, "not alive yet")
	for _, at := range []time.Time{noon, noon.Add(time.Minute)} {
		s.now = func() time.Time { return at }
		require.NoError(t, s.Beat(t.Context()))
		got, err := Heartbeat(t.Context(), dir)
		require.NoError(t, err)
		require.Equal(t, at, got)
	}
	require.NoError(t, s.Close())
	before := filesOf(t, dir)
	got, err := Heartbeat(t.Context(), dir)
	require.NoError(t, err)
	require.Equal(t, noon.Add(time.Minute), got, "that of a process that has ended")
	require.Equal(t, before, filesOf(t, dir))
}

func TestPing(t *testing.T) {
	s := open(t, t.TempDir())
	clock := noon
	s.now = func() time.Time { return clock }
	require.NoError(t, s.Ping(t.Context()))
	require.Empty(t, query(t, s, `SELECT key FROM installation`), "opening has proved it")
	clock = clock.Add(provenFor)
	require.NoError(t, s.Ping(t.Context()))
	require.Equal(t, []string{"ping"}, query(t, s, `SELECT key FROM installation`))

	_, err := s.writer.ExecContext(t.Context(), `PRAGMA query_only = 1`) // as a disk that takes no more writes
	require.NoError(t, err)
	require.NoError(t, s.Ping(t.Context()), "proved just now")
	require.Error(t, s.Beat(t.Context()))
	require.Error(t, s.Ping(t.Context()), "a failed write ends the proof")
	_, err = s.writer.ExecContext(t.Context(), `PRAGMA query_only = 0`)
	require.NoError(t, err)
	require.NoError(t, s.Ping(t.Context()))
}

func TestAWriteEndsItsWaitWithItsContext(t *testing.T) {
	s := open(t, t.TempDir())
	busy, err := s.writer.Conn(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Beat(ctx), context.DeadlineExceeded)
	require.NoError(t, busy.Close())
	require.NoError(t, s.Beat(t.Context()))
}
