package functions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
	"github.com/ddoe-ai/azure-wif/functions/internal/blobstore"
	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/functions/internal/fetch"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// foundation is what the app stands on: identity, network, store and queue. There is one for production; tests make
// their own, so that both share the wiring above it.
type foundation struct {
	credential azcore.TokenCredential
	// client is the HTTP client of every call that leaves the app.
	client *http.Client
	// public reaches the hosts that callers name.
	public public
	store  integration.Store
	send   func(ctx context.Context, entity string, m bus.Message) error
	// attach opens a new link by which an entity could be sent to; nil where there is none.
	attach func(ctx context.Context, entity string) error
	// warm are the things that may be done before they are needed.
	warm  []func(context.Context) error
	close func(context.Context) error
}

// public is the way to the internet, for hosts that callers name. Production's leads to nothing but the internet.
type public interface {
	http.RoundTripper
	LookupHost(ctx context.Context, host string) ([]string, error)
}

// production makes the foundation that the settings describe. It sends nothing.
func production(cfg Config) (foundation, error) {
	client := newClient()
	options := foundation{client: client}.clientOptions(cfg)
	credential, err := newCredential(cfg, options)
	if err != nil {
		return foundation{}, fmt.Errorf("credential: %w", err)
	}
	store, err := blobstore.New(cfg.StateStorageURL, credential, options)
	if err != nil {
		return foundation{}, fmt.Errorf("state store: %w", err)
	}
	queue, err := bus.New(bus.Config{
		Namespace: cfg.ServiceBus.Namespace, ConnectionString: cfg.ServiceBus.ConnectionString,
		CustomEndpoint: cfg.ServiceBus.CustomEndpoint,
	}, credential, nil)
	if err != nil {
		return foundation{}, fmt.Errorf("service bus: %w", err)
	}
	return foundation{
		credential: credential,
		client:     client,
		public:     fetch.NewGuard(newTransport(), nil),
		store:      containerMaker{store},
		send:       queue.Send,
		attach:     queue.Probe,
		warm: []func(context.Context) error{
			store.EnsureContainer,
			func(ctx context.Context) error { return queue.Warm(ctx, message.QueueCommands, message.TopicEvents) },
		},
		close: queue.Close,
	}, nil
}

// newCredential is the app's managed identity where Azure offers one, else a developer's own login.
func newCredential(cfg Config, options azcore.ClientOptions) (azcore.TokenCredential, error) {
	if !cfg.ManagedIdentity {
		return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: options})
	}
	mi := azidentity.ManagedIdentityCredentialOptions{ClientOptions: options}
	if cfg.ClientID != "" {
		mi.ID = azidentity.ClientID(cfg.ClientID)
	}
	return azidentity.NewManagedIdentityCredential(&mi)
}

// clientOptions are the options of every Azure client of the app: no request of theirs waits for ever.
func (p foundation) clientOptions(cfg Config) azcore.ClientOptions {
	return azure.Limit(azcore.ClientOptions{Cloud: cfg.Cloud.Configuration, Transport: p.client}, azure.AnswerLimit)
}

// warmUp does all of warm at once and learns the own tenant, whose token the first request would wait for.
func (p foundation) warmUp(ctx context.Context, log *slog.Logger, tenant func(context.Context) (string, error)) {
	tasks := append([]func(context.Context) error{func(ctx context.Context) error {
		_, err := tenant(ctx)
		return err
	}}, p.warm...)
	done := make(chan error)
	for _, task := range tasks {
		go func() { done <- task(ctx) }()
	}
	for range tasks {
		if err := <-done; err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "warm-up failed; it is tried again when needed", "error", err.Error())
		}
	}
}

// containerMaker makes the store's container when it turns out to be missing, so that a first request does not depend
// on warm-up.
type containerMaker struct{ *blobstore.Store }

func (c containerMaker) ensured(ctx context.Context, do func() error) error {
	err := do()
	var missing *blobstore.Error
	if !errors.As(err, &missing) || missing.Code != "ContainerNotFound" {
		return err
	}
	if err := c.EnsureContainer(ctx); err != nil {
		return err
	}
	return do()
}

// Get implements integration.Store.
func (c containerMaker) Get(ctx context.Context, key string) (integration.Record, error) {
	var record integration.Record
	err := c.ensured(ctx, func() error {
		var err error
		record, err = c.Store.Get(ctx, key)
		return err
	})
	return record, err
}

// Put implements integration.Store.
func (c containerMaker) Put(ctx context.Context, key string, body []byte, ifMatch string) (string, error) {
	var etag string
	err := c.ensured(ctx, func() error {
		var err error
		etag, err = c.Store.Put(ctx, key, body, ifMatch)
		return err
	})
	return etag, err
}

// List implements integration.Store.
func (c containerMaker) List(ctx context.Context, prefix, token string, limit int) ([]integration.Record,
	string, error) {
	var records []integration.Record
	var next string
	err := c.ensured(ctx, func() error {
		var err error
		records, next, err = c.Store.List(ctx, prefix, token, limit)
		return err
	})
	return records, next, err
}
