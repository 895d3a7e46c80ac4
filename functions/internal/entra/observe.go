package entra

import (
	"context"
	"net/http"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// observation remembers the last transport error of one GetToken.
type observation struct {
	mu  sync.Mutex
	err error
}

type observationKey struct{}

func observe(ctx context.Context) (context.Context, *observation) {
	o := &observation{}
	return context.WithValue(ctx, observationKey{}, o), o
}

func (o *observation) last() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// observed notes the outcome of each try in the context's observation.
type observed struct{}

// Do implements policy.Policy.
func (observed) Do(req *policy.Request) (*http.Response, error) {
	resp, err := req.Next()
	note(req.Raw().Context(), err)
	return resp, err
}

func note(ctx context.Context, err error) {
	if o, ok := ctx.Value(observationKey{}).(*observation); ok {
		o.mu.Lock()
		o.err = err
		o.mu.Unlock()
	}
}
