package door

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
)

const (
	// keysKept is how long keys are used before they are read again. Entra may withdraw a key at any time and asks
	// to look at least every 24 hours. Source: learn.microsoft.com, Signing key rollover in the Microsoft identity
	// platform.
	keysKept = time.Hour
	// keysLast is how long keys are used that cannot be read again.
	keysLast = 24 * time.Hour
	// keysPause is the least time between two readings, so that tokens with invented keys make no load at Entra.
	keysPause = time.Minute
	// answerLimit bounds each reading.
	answerLimit = 5 * time.Second
	// maxMetadata is the most bytes of a tenant's metadata; Entra's has about two thousand.
	maxMetadata = 64 << 10
)

// issuer is one of the two issuers of a tenant, by version of the token: its name, and the keys that it signs with.
type issuer struct {
	// configuration is the URL of the issuer's metadata.
	configuration string
	client        *http.Client
	now           func() time.Time

	reading sync.Mutex // held while the keys are read

	mu    sync.Mutex
	name  string
	keys  jwkset.Storage
	read  time.Time // when the keys were read
	tried time.Time // when they were last asked for
	err   error     // the error of the last reading
}

// find returns the issuer's name and the key of an id; nil where it has no such key. The error tells that the keys
// cannot be read, so that nothing is known of any.
func (i *issuer) find(ctx context.Context, id string) (string, any, error) {
	name, key, err := i.look(ctx, id)
	switch {
	case key == nil: // all who need an unknown key wait for one reading
		i.reading.Lock()
	case !i.isDue(keysKept) || !i.reading.TryLock(): // one reads again; the others go on with the keys at hand
		return name, key, err
	}
	defer i.reading.Unlock()
	if i.canRead() {
		i.load(context.WithoutCancel(ctx)) // the caller may go: the keys are read for all
	}
	return i.look(ctx, id)
}

// look answers from the keys at hand.
func (i *issuer) look(ctx context.Context, id string) (string, any, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.keys == nil || i.now().Sub(i.read) >= keysLast {
		return "", nil, i.err
	}
	found, err := i.keys.KeyRead(ctx, id)
	if err != nil { // there is no such key
		return i.name, nil, nil
	}
	return i.name, found.Key(), nil
}

// isDue reports whether the keys are as old.
func (i *issuer) isDue(age time.Duration) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.now().Sub(i.read) >= age
}

// canRead reports whether the last reading is long enough ago for another one.
func (i *issuer) canRead() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.now().Sub(i.tried) >= keysPause
}

// load reads the metadata and the keys, and keeps what there was where that fails.
func (i *issuer) load(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	i.noteReading()
	found, keys, err := i.fetch(ctx)
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err = err; err == nil {
		i.name, i.keys, i.read = found.Issuer, keys, i.now()
	}
}

// noteReading keeps when the keys were last asked for.
func (i *issuer) noteReading() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.tried = i.now()
}

func (i *issuer) fetch(ctx context.Context) (metadata, jwkset.Storage, error) {
	found, err := i.metadata(ctx)
	if err != nil {
		return metadata{}, nil, fmt.Errorf("metadata of the callers' tenant: %w", err)
	}
	keys, err := jwkset.NewStorageFromHTTP(found.Keys, jwkset.HTTPClientStorageOptions{
		Client: i.client, Ctx: ctx, HTTPTimeout: answerLimit,
		// A signature is verified by modulus and exponent alone; the certificate beside them is not used.
		ValidateOptions: jwkset.JWKValidateOptions{SkipAll: true},
	})
	if err != nil {
		return metadata{}, nil, fmt.Errorf("keys of the callers' tenant: %w", err)
	}
	return found, keys, nil
}

// metadata is what an issuer publishes of itself. Source: OpenID Connect Discovery 1.0, section 3.
type metadata struct {
	Issuer string `json:"issuer"`
	Keys   string `json:"jwks_uri"`
}

func (i *issuer) metadata(ctx context.Context) (metadata, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, i.configuration, nil)
	if err != nil {
		return metadata{}, err
	}
	response, err := i.client.Do(request)
	if err != nil {
		return metadata{}, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return metadata{}, fmt.Errorf("status %d", response.StatusCode)
	}
	var found metadata
	if err := json.NewDecoder(io.LimitReader(response.Body, maxMetadata)).Decode(&found); err != nil {
		return metadata{}, err
	}
	return found, nil
}
