package servicebus

import (
	"maps"
	"slices"
)

// store holds the messages of a queue in whatever state, by sequence number, and gives the numbers out.
type store struct {
	bySeq   map[int64]*envelope
	lastSeq int64
}

func newStore() store { return store{bySeq: map[int64]*envelope{}} }

// number gives the envelope the next sequence number, in place of the one that it has, and keeps it.
func (s *store) number(env *envelope) {
	s.remove(env)
	s.lastSeq++
	env.Sequence = s.lastSeq
	s.bySeq[env.Sequence] = env
}

// keep holds an envelope that has a sequence number already.
func (s *store) keep(env *envelope) {
	s.lastSeq = max(s.lastSeq, env.Sequence)
	s.bySeq[env.Sequence] = env
}

func (s *store) remove(env *envelope) { delete(s.bySeq, env.Sequence) }

// find returns the message with this sequence number if it is in the state.
func (s *store) find(seq int64, state int32) (*envelope, bool) {
	env, ok := s.bySeq[seq]
	return env, ok && env.State == state
}

func (s *store) len() int { return len(s.bySeq) }

// all returns the messages in no order.
func (s *store) all() []*envelope { return slices.Collect(maps.Values(s.bySeq)) }

// Peek returns up to limit messages with sequence numbers from the given one on, in every state. sessionID nil: of all
// sessions.
func (s *store) Peek(from int64, limit int, sessionID *string) []Record {
	var out []Record
	for _, seq := range slices.Sorted(maps.Keys(s.bySeq)) {
		env := s.bySeq[seq]
		if seq < from || (sessionID != nil && env.sessionID != *sessionID) {
			continue
		}
		if len(out) == limit {
			break
		}
		out = append(out, env.Record)
	}
	return out
}

// count counts the messages by state.
func (s *store) count() EntityInfo {
	var info EntityInfo
	for _, env := range s.bySeq {
		switch env.State {
		case stateScheduled:
			info.Scheduled++
		case stateDeferred:
			info.Deferred++
		default:
			info.Active++
		}
	}
	return info
}
