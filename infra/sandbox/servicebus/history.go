package servicebus

import (
	"time"
)

// history remembers message ids for duplicate detection.
type history struct {
	at    map[any]time.Time
	order []sighting
}

type sighting struct {
	id any
	at time.Time
}

// seen reports whether id was there within the window before now, and remembers it if not.
func (h *history) seen(now time.Time, window time.Duration, id any) bool {
	if b, ok := id.([]byte); ok {
		id = string(b)
	}
	if id == nil || id == "" {
		return false
	}
	for len(h.order) > 0 && now.Sub(h.order[0].at) >= window {
		delete(h.at, h.order[0].id)
		h.order = h.order[1:]
	}
	if _, dup := h.at[id]; dup {
		return true
	}
	if h.at == nil {
		h.at = map[any]time.Time{}
	}
	h.at[id] = now
	h.order = append(h.order, sighting{id, now})
	return false
}
