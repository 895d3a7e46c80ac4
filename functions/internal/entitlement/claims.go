package entitlement

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
)

const (
	prefixSubjects = "subjects/"
	// keySwept is the record of how far the sweep has come: the token of the next page.
	keySwept = "subjects-swept"
	// claimLasts is how long a claim counts whose integration does not show it.
	claimLasts = invocation.Longest
	// claimTries bounds the writes that others get ahead of.
	claimTries = 20
	// sweptAtATime is how many integrations a sweep looks at.
	sweptAtATime = 100
)

// Claims keep a service from being given identities by two owners: it could be led to use the wrong one with its own
// token (the confused deputy). An index tells which integrations trust a subject; whether they do is read from them.
type Claims struct {
	Repository *integration.Repository
	// IsOff is true where callers are not told apart, and so neither are owners.
	IsOff bool
}

// claim is what an integration has to do with a subject.
type claim struct {
	IntegrationID string `json:"integrationId"`
	// CallerID is who claims it; the owner of an integration that is not there yet.
	CallerID string    `json:"callerId"`
	At       time.Time `json:"at"`
}

func keyOf(issuer, subject string) string {
	sum := sha256.Sum256([]byte(issuer + "\n" + subject))
	return prefixSubjects + hex.EncodeToString(sum[:]) + ".json"
}

// Admit refuses a spec with a subject that is new to the integration and that another owner's integration trusts, one
// that the caller may not see: a *diagnosis.Error with a finding for each. It writes nothing.
func (c *Claims) Admit(ctx context.Context, id string, s integration.Spec) error {
	return c.each(ctx, s, func(ctx context.Context, subject string) (bool, error) {
		isTaken, err := c.isTaken(ctx, id, s.Issuer, subject)
		if err != nil || !isTaken {
			return false, err
		}
		isOwn, err := c.isTrusted(ctx, id, s.Issuer, subject)
		return !isOwn, err
	})
}

func (c *Claims) isTaken(ctx context.Context, id, issuer, subject string) (bool, error) {
	claims, _, err := c.read(ctx, issuer, subject)
	if err != nil {
		return false, err
	}
	_, isTaken, err := c.hold(ctx, claims, id, issuer, subject)
	return isTaken, err
}

// Claim is Admit for a spec that is about to be written: of two owners who ask at the same time one is refused. It may
// be repeated.
func (c *Claims) Claim(ctx context.Context, id string, s integration.Spec) error {
	who, _ := caller.From(ctx)
	return c.each(ctx, s, func(ctx context.Context, subject string) (bool, error) {
		return c.claim(ctx, id, who.ID, s.Issuer, subject)
	})
}

// AdmitOwner refuses to give an integration to an owner, unless an administrator does, where somebody else than that
// owner has another integration with one of its subjects.
func (c *Claims) AdmitOwner(ctx context.Context, d integration.Document, owner string) error {
	if who, isCalled := caller.From(ctx); !isCalled || who.HasRole(caller.RoleAdmin) {
		return nil
	}
	return c.each(caller.With(ctx, caller.Caller{ID: owner}), d.Spec,
		func(ctx context.Context, subject string) (bool, error) {
			return c.isTaken(ctx, d.ID, d.Spec.Issuer, subject)
		})
}

// each asks of each subject whether it is taken.
func (c *Claims) each(ctx context.Context, s integration.Spec,
	ask func(context.Context, string) (bool, error)) error {
	if _, isCalled := caller.From(ctx); !isCalled || c.IsOff {
		return nil
	}
	taken := make([]bool, len(s.Subjects))
	group, ctx := errgroup.WithContext(ctx)
	for i, subject := range s.Subjects {
		group.Go(func() (err error) { taken[i], err = ask(ctx, subject); return err })
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

// read returns the claims of a subject, and their version.
func (c *Claims) read(ctx context.Context, issuer, subject string) ([]claim, string, error) {
	record, err := c.Repository.Store.Get(ctx, keyOf(issuer, subject))
	if errors.Is(err, integration.ErrNotFound) {
		return nil, "", nil
	}
	var claims []claim
	if err == nil {
		err = json.Unmarshal(record.Body, &claims)
	}
	return claims, record.ETag, err
}

// hold returns the claims of others that still count, and reports whether one is of an owner whom the caller may not
// see. A claim counts while the integration has the subject, or may be about to be written.
func (c *Claims) hold(ctx context.Context, claims []claim, id, issuer, subject string) ([]claim, bool, error) {
	who, isCalled := caller.From(ctx)
	isTaken, kept := false, []claim{}
	for _, other := range claims {
		owner := other.CallerID
		d, err := c.Repository.Get(caller.Without(ctx), other.IntegrationID)
		if other.IntegrationID == id && (err == nil || owner == who.ID) {
			continue // the integration's own
		}
		switch {
		case err == nil:
			owner = d.Owner
		case integration.IsRefused(err), errors.Is(err, integration.ErrNotFound):
		default:
			return nil, false, err
		}
		isTrusted := err == nil && isTrustedBy(d, issuer, subject)
		isGivenUp := err == nil && d.Status.Phase == integration.PhaseDeleted && d.UpdatedAt.After(other.At)
		isRecent := !isGivenUp && c.Repository.Now().Sub(other.At) < claimLasts
		if !isTrusted && !isRecent && !integration.IsRefused(err) {
			continue
		}
		kept = append(kept, other)
		isTaken = isTaken || isCalled && !who.CanSee(owner)
	}
	return kept, isTaken, nil
}

// isTrustedBy reports whether an integration has a subject.
func isTrustedBy(d integration.Document, issuer, subject string) bool {
	return d.Status.Phase != integration.PhaseDeleted && d.Spec.Issuer == issuer &&
		slices.Contains(d.Spec.Subjects, subject)
}

// isTrusted reports whether the integration is there and has the subject.
func (c *Claims) isTrusted(ctx context.Context, id, issuer, subject string) (bool, error) {
	d, err := c.Repository.Get(caller.Without(ctx), id)
	if errors.Is(err, integration.ErrNotFound) || integration.IsRefused(err) {
		return false, nil
	}
	return isTrustedBy(d, issuer, subject), err
}

// claim writes a claim, unless the subject is taken.
func (c *Claims) claim(ctx context.Context, id, callerID, issuer, subject string) (bool, error) {
	for range claimTries {
		claims, etag, err := c.read(ctx, issuer, subject)
		if err != nil {
			return false, err
		}
		others, isTaken, err := c.hold(ctx, claims, id, issuer, subject)
		if err == nil && isTaken {
			var isOwn bool // then it is not new
			isOwn, err = c.isTrusted(ctx, id, issuer, subject)
			isTaken = !isOwn
		}
		if err != nil || isTaken {
			return isTaken, err
		}
		mine := claim{IntegrationID: id, CallerID: callerID, At: c.Repository.Now().UTC()}
		body, err := json.Marshal(append(others, mine))
		if err != nil {
			return false, fmt.Errorf("encode claims: %w", err)
		}
		_, err = c.Repository.Store.Put(ctx, keyOf(issuer, subject), body, etag)
		if !errors.Is(err, integration.ErrConflict) {
			return false, err
		}
	}
	return false, integration.ErrConflict
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
			claims, _, err := c.read(ctx, d.Spec.Issuer, subject)
			isKnown := slices.ContainsFunc(claims, func(k claim) bool { return k.IntegrationID == d.ID })
			if err == nil && !isKnown {
				_, err = c.claim(ctx, d.ID, d.Owner, d.Spec.Issuer, subject)
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
