package protocol

import (
	"encoding/json"
	"fmt"
	"time"
)

// Timer is what a timer trigger tells. Last and Next are zero where the host keeps no schedule status.
type Timer struct {
	PastDue bool
	Last    time.Time
	Next    time.Time
}

// Timer returns the timer of a timer invocation. The error wraps ErrEnvelope.
func (i *Invocation) Timer() (Timer, error) {
	value, err := i.trigger()
	if err != nil {
		return Timer{}, err
	}
	raw := []byte(value)
	if value.isString() {
		text, err := value.text()
		if err != nil {
			return Timer{}, err
		}
		raw = []byte(text)
	}
	var info struct {
		ScheduleStatus *struct{ Last, Next string }
		IsPastDue      bool
	}
	if err := json.Unmarshal(raw, &info); err != nil {
		return Timer{}, fmt.Errorf("%w: timer: %w", ErrEnvelope, err)
	}
	t := Timer{PastDue: info.IsPastDue}
	if info.ScheduleStatus == nil {
		return t, nil
	}
	if t.Last, err = timerTime(info.ScheduleStatus.Last); err != nil {
		return Timer{}, err
	}
	t.Next, err = timerTime(info.ScheduleStatus.Next)
	return t, err
}

// timerTime reads a schedule time; 0001-01-01 means that there has been no run yet.
func timerTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := parseTime(s)
	if err != nil {
		return time.Time{}, fmt.Errorf("timer: %w", err)
	}
	if t.Year() <= 1 {
		return time.Time{}, nil
	}
	return t, nil
}
