package trust

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resolve"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Apply implements resource.Kind: all that is wanted is written in as few round trips as the service allows.
func (k *Kind) Apply(ctx context.Context, v resource.View, items []resource.Item) []resource.Result {
	d, began := v.Document, k.requests.Now()
	items = slices.Clone(items)
	receipts := k.credentials.Put(ctx, d, wantedOf(items))
	for i := range items {
		if policy.ActionOf(receipts[i].Err) == policy.Exists {
			items[i], receipts[i] = k.resolve(ctx, d, items[i], receipts[i].Err)
		}
	}
	return k.results(items, receipts, began)
}

func wantedOf(items []resource.Item) []resource.Credential {
	wanted := make([]resource.Credential, len(items))
	for i, item := range items {
		c := item.Data.(credential)
		w := c.wanted
		wanted[i] = resource.Credential{Name: w.Name, Issuer: w.Issuer, Subject: w.Subject,
			Audiences: []string{w.Audience}, IsThere: c.isThere, Description: c.description}
	}
	return wanted
}

// resolve looks at what is in the way of a credential. An equal one is fine: a request whose answer was lost has
// written it, or somebody made it by hand under another name. One of our name is overwritten. Any other is somebody
// else's, and stays.
func (k *Kind) resolve(ctx context.Context, d integration.Document, item resource.Item, cause error) (resource.Item,
	resource.Receipt) {
	found, err := k.credentials.List(ctx, d)
	if err != nil {
		return item, resource.Receipt{Err: err}
	}
	now := k.compare(d, item.Data.(credential).wanted, found)
	switch now.State {
	case resource.Unchanged:
		receipt := resource.Receipt{ID: now.Data.(credential).wanted.ID, Outcome: resource.OutcomeUnchanged}
		if now.Data.(credential).wanted.Adopted {
			receipt.Outcome = resource.OutcomeAdopted
		}
		return now, receipt
	case resource.Foreign:
		return now, resource.Receipt{Err: &diagnosis.Error{Diagnosis: diagnosis.New(now.Code,
			diagnosis.WithContext(now.Context), diagnosis.WithDetail("%s", now.Detail))}}
	case resource.Different:
		receipt := k.credentials.Put(ctx, d, wantedOf([]resource.Item{now}))[0]
		if policy.ActionOf(receipt.Err) == policy.Exists {
			// what it was told to be is not visible everywhere yet
			receipt.Err = withAction(receipt.Err, policy.RetryLater)
		}
		return now, receipt
	default: // what was in the way is gone, or no list shows it yet
		if len(found) >= resolve.MaxSubjects {
			return now, resource.Receipt{Err: &diagnosis.Error{Diagnosis: diagnosis.New(
				diagnosis.CodeFederatedCredentialLimit, diagnosis.WithContext(now.Context))}}
		}
		receipt := k.credentials.Put(ctx, d, wantedOf([]resource.Item{now}))[0]
		if policy.ActionOf(receipt.Err) == policy.Exists {
			receipt.Err = policy.Absent(cause)
		}
		return now, receipt
	}
}

func withAction(err error, a policy.Action) error {
	var f *policy.Failure
	if errors.As(err, &f) {
		return f.With(a)
	}
	return err
}

func (k *Kind) results(items []resource.Item, receipts []resource.Receipt, began time.Time) []resource.Result {
	results := make([]resource.Result, len(items))
	ended := k.requests.Now()
	for i, item := range items {
		results[i] = resource.Result{Item: item, Step: resource.FederatedCredential, StepTarget: item.Key,
			Began: began, Ended: ended, Err: receipts[i].Err}
		if results[i].Err != nil {
			continue
		}
		w := item.Data.(credential).wanted
		if receipts[i].ID != "" {
			w.ID = receipts[i].ID
		}
		results[i].Outcome, results[i].RequestID, results[i].Learn = receipts[i].Outcome, receipts[i].RequestID,
			learn(w)
	}
	return results
}

// Remove implements resource.Kind: it deletes, and lists, until no list shows the credentials.
func (k *Kind) Remove(ctx context.Context, v resource.View, items []resource.Item) []resource.Result {
	began := k.requests.Now()
	results := make([]resource.Result, len(items))
	for i, item := range items {
		results[i] = resource.Result{Item: item, Step: resource.FederatedCredential + "-delete", StepTarget: item.Key,
			Outcome: resource.OutcomeAbsent, Began: began}
	}
	open := indexes(len(items))
	err := resource.UntilGone(ctx, k.requests, words(v.Document, integration.FederatedCredential{}),
		func(ctx context.Context) error {
			names := make([]string, len(open))
			for i, at := range open {
				names[i] = items[at].Key
			}
			var still []int
			for i, receipt := range k.credentials.Delete(ctx, v.Document, names) {
				r := &results[open[i]]
				r.Err = receipt.Err
				if receipt.Outcome == resource.OutcomeDeleted {
					r.Outcome, r.RequestID = resource.OutcomeDeleted, receipt.RequestID
				}
				switch {
				case isGoneWithIdentity(v, r.Err):
					r.Err = nil
				case r.Err == nil && !receipt.IsGone:
					still = append(still, open[i])
				}
			}
			open = still
			return nil
		}, func(ctx context.Context) (bool, error) {
			if len(open) == 0 {
				return false, nil
			}
			found, err := k.credentials.List(ctx, v.Document)
			if isGoneWithIdentity(v, err) {
				found, err = nil, nil
			}
			open = slices.DeleteFunc(open, func(at int) bool {
				return err == nil && !slices.ContainsFunc(found, func(f resource.Credential) bool {
					return strings.EqualFold(f.Name, items[at].Key)
				})
			})
			return len(open) > 0, err
		})
	for _, at := range open {
		results[at].Err = err
	}
	for i := range results {
		results[i].Ended = k.requests.Now()
		if results[i].Err == nil {
			results[i].Learn = forget(items[i].Key)
		}
	}
	return results
}

// isGoneWithIdentity reports whether a request about a credential was refused as the identity can have none: with the
// identity, which is removed next, goes all that is on it.
func isGoneWithIdentity(v resource.View, err error) bool {
	return v.Ending && policy.ActionOf(err) == policy.Unsupported
}

func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
