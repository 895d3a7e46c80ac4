package host

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestScheduleNext(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	at := func(text string, loc *time.Location) time.Time {
		parsed, err := time.ParseInLocation(time.DateTime, text, loc)
		require.NoError(t, err)
		return parsed
	}
	tests := []struct {
		name, expression, after, want string
		zone                          *time.Location
	}{
		{name: "every five minutes", expression: "0 */5 * * * *", after: "2026-01-01 10:02:03",
			want: "2026-01-01 10:05:00"},
		{name: "an occurrence itself is not the next one", expression: "0 */5 * * * *", after: "2026-01-01 10:05:00",
			want: "2026-01-01 10:10:00"},
		{name: "five fields mean second zero", expression: "*/5 * * * *", after: "2026-01-01 10:02:03",
			want: "2026-01-01 10:05:00"},
		{name: "every second", expression: "* * * * * *", after: "2026-01-01 10:02:03", want: "2026-01-01 10:02:04"},
		{name: "over the end of the year", expression: "0 30 9 * * *", after: "2026-12-31 10:00:00",
			want: "2027-01-01 09:30:00"},
		{name: "working hours", expression: "0 0 9-17 * * MON-FRI", after: "2026-01-02 17:00:01",
			want: "2026-01-05 09:00:00"},
		{name: "full names of days and months", expression: "0 0 0 1 march sunday", after: "2026-01-01 00:00:00",
			want: "2026-03-01 00:00:00"},
		{name: "day and day of week must both match", expression: "0 0 0 13 * 5", after: "2026-01-01 00:00:00",
			want: "2026-02-13 00:00:00"},
		{name: "list", expression: "0 5,15,25 * * * *", after: "2026-01-01 10:06:00", want: "2026-01-01 10:15:00"},
		{name: "start and step run to the end", expression: "0 50/5 * * * *", after: "2026-01-01 10:51:00",
			want: "2026-01-01 10:55:00"},
		{name: "stepped range", expression: "0 10-20/5 * * * *", after: "2026-01-01 10:15:00",
			want: "2026-01-01 10:20:00"},
		{name: "leap day", expression: "0 0 0 29 2 *", after: "2026-01-01 00:00:00", want: "2028-02-29 00:00:00"},
		{name: "never", expression: "0 0 0 31 2 *", after: "2026-01-01 00:00:00", want: ""},
		{name: "time span", expression: "00:10:00", after: "2026-01-01 10:02:03", want: "2026-01-01 10:12:03"},
		{name: "time span with days", expression: "1.00:00:00", after: "2026-01-01 10:02:03",
			want: "2026-01-02 10:02:03"},
		{name: "an hour that summer time skips moves on", expression: "0 30 2 * * *", after: "2026-03-28 12:00:00",
			want: "2026-03-29 03:30:00", zone: berlin},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			zone := time.UTC
			if tt.zone != nil {
				zone = tt.zone
			}
			s, err := parseSchedule(tt.expression)
			require.NoError(t, err)
			got := s.next(at(tt.after, zone))
			if tt.want == "" {
				assert.True(t, got.IsZero(), got)
				return
			}
			assert.Equal(t, tt.want, got.Format(time.DateTime))
		})
	}
}

func TestScheduleRefusesWhatNCrontabRefuses(t *testing.T) {
	for _, text := range []string{"", "* * * *", "* * * * * * *", "60 * * * * *", "0 0 24 * * *", "0 0 0 0 * *",
		"0 0 0 * 13 *", "0 0 0 * * 7", "0 */0 * * * *", "0 20-10 * * * *", "0 x * * * *", "00:00:00", "-00:01:00",
		"@daily"} {
		t.Run(text, func(t *testing.T) {
			_, err := parseSchedule(text)
			require.Error(t, err)
		})
	}
}

// runTimer runs a timer in fake time and returns the starts of its runs, as seconds after the beginning.
func runTimer(t *testing.T, f *function, runs int, work time.Duration) ([]int, []*timerStatus) {
	t.Helper()
	var starts []int
	var statuses []*timerStatus
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		begin := time.Now()
		tick := newTimer(f, time.Now, func(_ context.Context, s *timerStatus, _ bool) {
			starts, statuses = append(starts, int(time.Since(begin).Seconds())), append(statuses, s)
			if len(starts) == runs {
				cancel()
			}
			time.Sleep(work)
		})
		tick.run(ctx, context.WithoutCancel(ctx))
	})
	return starts, statuses
}

func TestTimer(t *testing.T) {
	parse := func(text string) schedule {
		s, err := parseSchedule(text)
		require.NoError(t, err)
		return s
	}
	tests := []struct {
		name      string
		function  *function
		work      time.Duration
		want      []int
		monitored bool
	}{
		{name: "on schedule", function: &function{schedule: parse("0 */5 * * * *")}, want: []int{300, 600, 900},
			monitored: true},
		{name: "run on startup", function: &function{schedule: parse("0 */5 * * * *"),
			trigger: binding{RunOnStartup: true}}, want: []int{0, 300, 600}, monitored: true},
		{name: "a long run is followed by one catch-up, never overlaps",
			function: &function{schedule: parse("0 */5 * * * *")}, work: 12 * time.Minute,
			want: []int{300, 1020, 1740}, monitored: true},
		{name: "below a minute there is no monitor", function: &function{schedule: parse("*/20 * * * * *")},
			want: []int{20, 40, 60}},
		{name: "the monitor can be off", function: &function{schedule: parse("0 */5 * * * *"),
			trigger: binding{UseMonitor: new(bool)}}, want: []int{300, 600, 900}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			starts, statuses := runTimer(t, tt.function, 3, tt.work)
			assert.Equal(t, tt.want, starts)
			if !tt.monitored {
				assert.Equal(t, []*timerStatus{nil, nil, nil}, statuses)
				return
			}
			assert.Contains(t, statuses[0].Last, "0001-01-01T00:00:00", "nothing ran before")
			assert.Equal(t, statuses[1].Last, statuses[1].LastUpdated)
			assert.NotEqual(t, statuses[0].Last, statuses[1].Last)
		})
	}
}
