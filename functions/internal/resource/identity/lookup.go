package identity

import (
	"context"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Finder finds identities that somebody else has made, in one place. It only reads.
type Finder interface {
	// Find looks for the identity with the document's client id, and reports whether it is there; the items tell what
	// was seen, or why nothing was.
	Find(ctx context.Context, d integration.Document) (items []resource.Item, isFound bool)
	// List reads all credentials of an identity that was found, and reports whether they are kept in this place.
	List(ctx context.Context, d integration.Document) (all []resource.Credential, isIts bool, err error)
}

// Lookup looks up, by its client id, an identity that somebody else has made. It is a resource.Looker, and a
// trust.Lister.
type Lookup struct {
	resource.IdentityPlace
	finders []Finder
}

// NewLookup returns the kind. Finders are asked in turn, until one has found it; where none has, the first one tells
// so.
func NewLookup(finders ...Finder) *Lookup { return &Lookup{finders: finders} }

// Observe implements resource.Looker.
func (l *Lookup) Observe(ctx context.Context, v resource.View) []resource.Item {
	if v.Apart || v.Ending {
		return nil
	}
	var first []resource.Item
	for i, f := range l.finders {
		items, isFound := f.Find(ctx, v.Document)
		if isFound {
			return items
		}
		if i == 0 {
			first = items
		}
	}
	return first
}

// List reads all credentials of the identity that was looked up, where they are kept; without one there are none.
// Where nobody keeps them, nothing is known of them.
func (l *Lookup) List(ctx context.Context, d integration.Document) ([]resource.Credential, error) {
	for _, f := range l.finders {
		if all, isIts, err := f.List(ctx, d); isIts {
			return all, err
		}
	}
	if d.Status.Identity.Kind == "" {
		return nil, nil
	}
	return nil, &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeIdentityNotSeen,
		diagnosis.WithContext(d.Words()))}
}
