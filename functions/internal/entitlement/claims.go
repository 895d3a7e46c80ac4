package entitlement

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/claim"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

const (
	// keySwept is the record of how far the sweep has come: the token of the next page.
	keySwept = "subjects-swept"
	// sweptAtATime is how many integrations a sweep looks at.
	sweptAtATime = 100
)

// errTaken is the refusal of one subject.
var errTaken = errors.New("another owner's integration has the subject")

// Claims keep a service from being given identities by two owners: it could be led to use the wrong one with its own
// token (the confused deputy). An index tells which integrations trust a subject; whether they do is read from them.
type Claims struct {
	Repository *integration.Repository
	// IsOff is true where callers are not told apart, and so neither are owners.
	IsOff bool
}

func (c *Claims) subject(issuer, subject string) claim.Thing {
	return claim.Thing{Repository: c.Repository, Prefix: "subjects/", Names: []string{issuer, subject},
		IsHad: func(d integration.Document) bool {
			return d.Status.Phase != integration.PhaseDeleted && d.Spec.Issuer == issuer &&
				slices.Contains(d.Spec.Subjects, subject)
		}}
}

// Admit refuses a spec with a subject that is new to the integration and that another owner's integration trusts, one
// that the caller may not see: a *diagnosis.Error with a finding for each. It writes nothing.
func (c *Claims) Admit(ctx context.Context, id string, s integration.Spec) error {
	return c.each(ctx, s, func(ctx context.Context, subject claim.Thing, callerID string) error {
		return subject.Admit(ctx, id, callerID, admitNew(ctx, id, subject))
	})
}

// Claim is Admit for a spec that is about to be written: of two owners who ask at the same time one is refused. It may
// be repeated.
func (c *Claims) Claim(ctx context.Context, id string, s integration.Spec) error {
	return c.each(ctx, s, func(ctx context.Context, subject claim.Thing, callerID string) error {
		return subject.Take(ctx, id, callerID, admitNew(ctx, id, subject))
	})
}

// AdmitOwner refuses to give an integration to an owner, unless an administrator does, where somebody else than that
// owner has another integration with one of its subjects.
func (c *Claims) AdmitOwner(ctx context.Context, d integration.Document, owner string) error {
	if who, isCalled := caller.From(ctx); !isCalled || who.HasRole(caller.RoleAdmin) {
		return nil
	}
	return c.each(caller.With(ctx, caller.Caller{ID: owner}), d.Spec,
		func(ctx context.Context, subject claim.Thing, _ string) error {
			return subject.Admit(ctx, d.ID, owner, admitSeen(ctx))
		})
}

// admitNew refuses a subject that is new to the integration and that one has which the caller may not see.
func admitNew(ctx context.Context, id string, subject claim.Thing) claim.Rule {
	return func(holders []integration.Document) error {
		if admitSeen(ctx)(holders) == nil {
			return nil
		}
		d, err := subject.Repository.Get(caller.Without(ctx), id)
		switch {
		case err == nil && subject.IsHad(d):
			return nil
		case err == nil, errors.Is(err, integration.ErrNotFound), integration.IsRefused(err):
			return errTaken
		}
		return err
	}
}

// admitSeen refuses a subject that an integration has which the caller may not see.
func admitSeen(ctx context.Context) claim.Rule {
	return func(holders []integration.Document) error {
		for _, d := range holders {
			if integration.RefuseOthers(ctx, d) != nil {
				return errTaken
			}
		}
		return nil
	}
}

// each asks of each subject whether it is taken.
func (c *Claims) each(ctx context.Context, s integration.Spec,
	ask func(ctx context.Context, subject claim.Thing, callerID string) error) error {
	who, isCalled := caller.From(ctx)
	if !isCalled || c.IsOff {
		return nil
	}
	taken := make([]bool, len(s.Subjects))
	group, ctx := errgroup.WithContext(ctx)
	for i, subject := range s.Subjects {
		group.Go(func() error {
			err := ask(ctx, c.subject(s.Issuer, subject), who.ID)
			if taken[i] = errors.Is(err, errTaken); taken[i] {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("look who has a subject: %w", err)
	}
	var findings []diagnosis.Finding
	for i, subject := range s.Subjects {
		if taken[i] {
			findings = append(findings, diagnosis.Finding{Pointer: fmt.Sprintf("/subjects/%d", i),
				Code: diagnosis.CodeSubjectBound, Detail: "Another owner's integration has the subject.",
				Expected: "a subject of your own", Actual: subject,
				Remedy: "Use another service, or have an administrator send the request."})
		}
	}
	if len(findings) == 0 {
		return nil
	}
	return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeSubjectBound, diagnosis.WithFindings(findings...))}
}

// Sweep enters integrations that were made while no claims were kept, some at a time.
func (c *Claims) Sweep(ctx context.Context) error {
	if c.IsOff {
		return nil
	}
	at, err := c.Repository.Store.Get(ctx, keySwept)
	if err != nil && !errors.Is(err, integration.ErrNotFound) {
		return fmt.Errorf("read how far the subjects are entered: %w", err)
	}
	page, err := c.Repository.List(ctx, string(at.Body), sweptAtATime)
	if errors.Is(err, integration.ErrInvalidToken) {
		page, err = c.Repository.List(ctx, "", sweptAtATime)
	}
	if err != nil {
		return err
	}
	var failed error
	for _, d := range page.Documents {
		if d.Status.Phase == integration.PhaseDeleted {
			continue
		}
		for _, subject := range d.Spec.Subjects {
			thing := c.subject(d.Spec.Issuer, subject)
			claims, _, err := thing.Claims(ctx)
			isKnown := slices.ContainsFunc(claims, func(k claim.Claim) bool { return k.IntegrationID == d.ID })
			if err == nil && !isKnown {
				err = thing.Take(ctx, d.ID, d.Owner, admitSeen(ctx))
			}
			if err != nil { // the others are entered all the same
				failed = errors.Join(failed, fmt.Errorf("enter the subjects of %s: %w", d.ID, err))
			}
		}
	}
	_, err = c.Repository.Store.Put(ctx, keySwept, []byte(page.Next), at.ETag)
	if errors.Is(err, integration.ErrConflict) {
		err = nil // another instance goes on
	}
	return errors.Join(failed, err)
}
