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
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Apply implements resource.Kind: what is in the way is deleted, then all that is wanted is written in as few round
// trips as the service allows.
func (k *Kind) Apply(ctx context.Context, v resource.View, items []resource.Item) []resource.Result {
	d, began := v.Document, k.requests.Now()
	if err := k.clear(ctx, d, items); err != nil {
		return k.results(items, nil, began, func(int) error { return err })
	}
	receipts := k.credentials.Put(ctx, d, wantedOf(items))
	for i := range items {
		if policy.ActionOf(receipts[i].Err) == policy.Exists {
			items[i], receipts[i] = k.resolve(ctx, d, items[i], receipts[i].Err)
		}
	}
	return k.results(items, receipts, began, func(i int) error { return receipts[i].Err })
}

// clear deletes the credentials that are in the way of others: issuer and subject are unique on an identity, and the
// identity is ours.
func (k *Kind) clear(ctx context.Context, d integration.Document, items []resource.Item) error {
	var names []string
	for _, item := range items {
		if name := item.Data.(credential).inTheWay; name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	var errs []error
	for _, receipt := range k.credentials.Delete(ctx, d, names) {
		errs = append(errs, receipt.Err)
	}
	return errors.Join(errs...)
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

// resolve looks at what is in the way of a credential: an equal one is fine, whether a request whose answer was lost
// has written it or somebody made it by hand under another name; any other is deleted and the wanted one is written
// again.
func (k *Kind) resolve(ctx context.Context, d integration.Document, item resource.Item, cause error) (resource.Item,
	resource.Receipt) {
	found, err := k.credentials.List(ctx, d)
	if err != nil {
		return item, resource.Receipt{Err: err}
	}
	now := compare(d, item.Data.(credential).wanted, found)
	switch now.State {
	case resource.Unchanged:
		receipt := resource.Receipt{ID: now.Data.(credential).wanted.ID, Outcome: resource.OutcomeUnchanged}
		if now.Data.(credential).wanted.Adopted {
			receipt.Outcome = resource.OutcomeAdopted
		}
		return now, receipt
	case resource.Different:
		if err := k.clear(ctx, d, []resource.Item{now}); err != nil {
			return now, resource.Receipt{Err: err}
		}
		receipt := k.credentials.Put(ctx, d, wantedOf([]resource.Item{now}))[0]
		if policy.ActionOf(receipt.Err) == policy.Exists {
			receipt.Err = withAction(receipt.Err, policy.RetryLater) // what was deleted is not gone everywhere yet
		}
		return now, receipt
	default: // what was in the way is gone, or no list shows it yet
		if len(found) >= integration.MaxSubjects {
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

func (k *Kind) results(items []resource.Item, receipts []resource.Receipt, began time.Time,
	errOf func(int) error) []resource.Result {
	results := make([]resource.Result, len(items))
	ended := k.requests.Now()
	for i, item := range items {
		results[i] = resource.Result{Item: item, Step: resource.FederatedCredential, StepTarget: item.Key,
			Began: began, Ended: ended, Err: errOf(i)}
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
	left := indexes(len(items))
	err := resource.UntilGone(ctx, k.requests, words(v.Document, integration.FederatedCredential{}),
		func(ctx context.Context) error {
			names := make([]string, len(left))
			for i, at := range left {
				names[i] = items[at].Key
			}
			var open []int
			for i, receipt := range k.credentials.Delete(ctx, v.Document, names) {
				r := &results[left[i]]
				r.Err = receipt.Err
				if receipt.Outcome == resource.OutcomeDeleted {
					r.Outcome, r.RequestID = resource.OutcomeDeleted, receipt.RequestID
				}
				switch {
				case isGoneWithIdentity(v, r.Err):
					r.Err = nil
				case r.Err == nil && !receipt.IsGone:
					open = append(open, left[i])
				}
			}
			left = open
			return nil
		}, func(ctx context.Context) (bool, error) {
			if len(left) == 0 {
				return false, nil
			}
			found, err := k.credentials.List(ctx, v.Document)
			if isGoneWithIdentity(v, err) {
				found, err = nil, nil
			}
			left = slices.DeleteFunc(left, func(at int) bool {
				return err == nil && !slices.ContainsFunc(found, func(f resource.Credential) bool {
					return strings.EqualFold(f.Name, items[at].Key)
				})
			})
			return len(left) > 0, err
		})
	for _, at := range left {
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
