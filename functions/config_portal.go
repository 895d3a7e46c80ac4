package functions

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

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

// origins are those whose pages may call the API, as a browser spells them.
func (e *environment) origins(name string) []string {
	var all []string
	for part := range strings.SplitSeq(e.text(name), ",") {
		origin := strings.TrimSpace(part)
		if origin == "" {
			continue
		}
		u, err := url.Parse(origin)
		isOrigin := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" &&
			u.Scheme+"://"+strings.ToLower(u.Host) == origin && !strings.Contains(u.Host, "*") && u.Port() != "" ==
			strings.Contains(u.Host, ":")
		if !isOrigin || u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80" {
			e.fault(name, "must list origins with commas between them, as browsers send them: https://host or "+
				"https://host:port in lower case, without a path, a default port or *")
			return nil
		}
		if !slices.Contains(all, origin) {
			all = append(all, origin)
		}
	}
	return all
}

// defaultRate and maxRate bound the requests of a caller, a second.
const (
	defaultRate = 20
	maxRate     = 100_000
)

// rate is how many requests a second a caller may send.
func (e *environment) rate(name string) int {
	v := e.text(name)
	if v == "" {
		return defaultRate
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > maxRate {
		e.fault(name, "must be a whole number of requests a second, from 1 to 100000")
	}
	return n
}
