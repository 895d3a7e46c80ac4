// Package claim keeps two integrations from getting one thing by asking at the same moment: each claims it first.
package claim

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
)

const (
	// lasts is how long a claim counts whose integration does not show that it has the thing.
	lasts = invocation.Longest
	// tries bounds the writes that others get ahead of.
	tries = 20
)

// Claim tells which integration has a thing, or is about to have it.
type Claim struct {
	IntegrationID string `json:"integrationId"`
	// CallerID is who claims it: the owner of an integration that is not there yet.
	CallerID string    `json:"callerId"`
	At       time.Time `json:"at"`
}

// Rule refuses a claim for the integrations that have the thing or may be about to have it.
type Rule func(holders []integration.Document) error

// Thing is what is claimed. Several claims of it may count at a time; who wants it decides whether they are in the
// way.
type Thing struct {
	Repository *integration.Repository
	// Prefix is what the store's keys of its sort begin with, and Names tell it from others of that sort.
	Prefix string
	Names  []string
	// IsHad reports whether an integration has it.
	IsHad func(integration.Document) bool
	// IsBrief is true where the documents themselves tell who has it. Then the newest claim alone is kept, and counts
	// until its integration is written.
	IsBrief bool
}

func (t Thing) key() string {
	sum := sha256.Sum256([]byte(strings.Join(t.Names, "\n")))
	return t.Prefix + hex.EncodeToString(sum[:]) + ".json"
}

// Claims returns all claims of the thing, and their version.
func (t Thing) Claims(ctx context.Context) ([]Claim, string, error) {
	record, err := t.Repository.Store.Get(ctx, t.key())
	var claims []Claim
	switch {
	case errors.Is(err, integration.ErrNotFound):
		return nil, "", nil
	case err == nil && t.IsBrief:
		if claims = make([]Claim, 1); json.Unmarshal(record.Body, &claims[0]) != nil {
			claims = nil // the next one replaces it
		}
	case err == nil:
		err = json.Unmarshal(record.Body, &claims)
	}
	return claims, record.ETag, err
}

// Admit asks the rule about the integrations whose claims count, other than the one with the id. Where an integration
// does not exist yet, the rule gets its id and its owner to be. It writes nothing.
func (t Thing) Admit(ctx context.Context, id, callerID string, rule Rule) error {
	_, _, err := t.admit(ctx, id, callerID, rule)
	return err
}

func (t Thing) admit(ctx context.Context, id, callerID string, rule Rule) ([]Claim, string, error) {
	claims, etag, err := t.Claims(ctx)
	if err != nil {
		return nil, "", err
	}
	counting, holders := []Claim{}, []integration.Document{}
	for _, c := range claims {
		d, err := t.Repository.Get(caller.Without(ctx), c.IntegrationID)
		isUnreadable := integration.IsRefused(err)
		switch {
		case err != nil && !isUnreadable && !errors.Is(err, integration.ErrNotFound):
			return nil, "", err
		case c.IntegrationID == id && (t.IsBrief || err == nil || c.CallerID == callerID):
			continue
		}
		isThere := err == nil && d.Status.Phase != integration.PhaseDeleted
		isGivenUp := err == nil && d.UpdatedAt.After(c.At) && (!isThere || t.IsBrief)
		isRecent := !isGivenUp && t.Repository.Now().Sub(c.At) < lasts
		if !isRecent && !(isThere && t.IsHad(d)) && (!isUnreadable || t.IsBrief) {
			continue
		}
		if !isThere {
			d = integration.Document{ID: c.IntegrationID, Owner: c.CallerID, ETag: etag}
		}
		counting, holders = append(counting, c), append(holders, d)
	}
	return counting, etag, rule(holders)
}

// Take claims the thing, unless the rule refuses. It may be repeated.
func (t Thing) Take(ctx context.Context, id, callerID string, rule Rule) error {
	for range tries {
		others, etag, err := t.admit(ctx, id, callerID, rule)
		if err != nil {
			return err
		}
		mine := Claim{IntegrationID: id, CallerID: callerID, At: t.Repository.Now().UTC()}
		var record any = append(others, mine)
		if t.IsBrief {
			record = mine
		}
		body, err := json.Marshal(record)
		if err != nil {
			return fmt.Errorf("encode claims: %w", err)
		}
		_, err = t.Repository.Store.Put(ctx, t.key(), body, etag)
		if !errors.Is(err, integration.ErrConflict) {
			return err
		}
	}
	return integration.ErrConflict
}
