package resource

import (
	"context"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// Takeable is a kind of which an object that somebody else has made can become ours.
type Takeable interface {
	Kind
	// AdmitTakeover refuses an object that this service may not change. It only reads.
	AdmitTakeover(ctx context.Context, d integration.Document) error
}

// AdmitTakeover asks each kind that can refuse an integration that is to become ours.
func AdmitTakeover(ctx context.Context, kinds []Kind, d integration.Document) error {
	for _, k := range Of(kinds, d) {
		if t, ok := k.(Takeable); ok {
			if err := t.AdmitTakeover(ctx, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// Truster is a kind that lets subjects in.
type Truster interface {
	Kind
	// Trusted reads all credentials that let somebody in, whoever has made them.
	Trusted(ctx context.Context, d integration.Document) ([]Credential, error)
}

// Trust is a credential, and the name of the kind that it is of.
type Trust struct {
	Kind string
	Credential
}

// ListTrust reads all credentials that let somebody in as the integration's identity, whoever has made them.
func ListTrust(ctx context.Context, kinds []Kind, d integration.Document) ([]Trust, error) {
	var all []Trust
	for _, k := range Of(kinds, d) {
		if t, ok := k.(Truster); ok {
			found, err := t.Trusted(ctx, d)
			if err != nil {
				return nil, err
			}
			for _, one := range found {
				all = append(all, Trust{Kind: k.Name(), Credential: one})
			}
		}
	}
	return all, nil
}
