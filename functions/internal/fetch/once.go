package fetch

import (
	"context"
	"net/http"
	"sync"
)

// Once returns a context whose requests share what is fetched: a URL is asked for once by each method, and a name is
// looked up once, however often they are wanted and whether that succeeds or fails. Who asks first decides the
// headers.
func Once(ctx context.Context) context.Context {
	return context.WithValue(ctx, sharedKey{}, &shared{answers: map[string]*answer{}})
}

type sharedKey struct{}

// shared are the answers of a context.
type shared struct {
	mutex   sync.Mutex
	answers map[string]*answer
}

// answer is one, or a failure. It is written before ended is closed.
type answer struct {
	ended     chan struct{}
	response  *http.Response
	body      []byte
	addresses []string
	err       error
}

// once asks, or waits for the answer to who has asked before, for as long as the context lasts.
func once(ctx context.Context, key string, ask func(a *answer)) *answer {
	all, isShared := ctx.Value(sharedKey{}).(*shared)
	if !isShared {
		all = &shared{answers: map[string]*answer{}}
	}
	all.mutex.Lock()
	a, isKnown := all.answers[key]
	if !isKnown {
		a = &answer{ended: make(chan struct{})}
		all.answers[key] = a
	}
	all.mutex.Unlock()
	if !isKnown {
		defer close(a.ended)
		ask(a)
		return a
	}
	select {
	case <-a.ended:
		return a
	case <-ctx.Done():
		return &answer{err: ctx.Err()}
	}
}
