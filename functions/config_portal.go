package functions

import "time"

// defaultRetention is 90 days.
const defaultRetention = 2160 * time.Hour

// minRetention is longer than an operation and all that follows it may take.
const minRetention = 24 * time.Hour

// retention is how long operations that have ended are kept.
func (e *environment) retention(name string) time.Duration {
	v := e.text(name)
	if v == "" {
		return defaultRetention
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < minRetention {
		e.fault(name, "must be a duration of at least 24h, such as 2160h")
	}
	return d
}
