package grant

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Accounts looks at the storage that the identity is to reach: from where an account takes requests, and whether a
// container is there and lets blobs be changed. It is a resource.Looker.
type Accounts struct {
	arm      *arm.Client
	requests policy.Requests
}

// NewAccounts returns the kind.
func NewAccounts(resources *arm.Client, requests policy.Requests) *Accounts {
	return &Accounts{arm: resources, requests: requests}
}

// Name implements resource.Place.
func (a *Accounts) Name() string { return resource.StorageAccount }

// Needs implements resource.Place: an account is there without anybody's access to it.
func (a *Accounts) Needs() []string { return nil }

// Outlives implements resource.Place.
func (a *Accounts) Outlives() []string { return nil }

// Observe implements resource.Looker.
func (a *Accounts) Observe(ctx context.Context, v resource.View) []resource.Item {
	if v.Apart || v.Ending {
		return nil
	}
	d := v.Document
	var accounts, containers []integration.StorageAccess
	for _, entry := range d.Spec.Storage {
		isSame := func(known integration.StorageAccess) bool {
			return strings.EqualFold(known.ResourceID, entry.ResourceID)
		}
		if !slices.ContainsFunc(accounts, isSame) {
			accounts = append(accounts, entry)
		}
		if entry.Container != "" {
			containers = append(containers, entry)
		}
	}
	items := make([]resource.Item, len(accounts)+len(containers))
	resource.Each(ctx, len(items), func(ctx context.Context, i int) {
		if i < len(accounts) {
			items[i] = a.observeAccount(ctx, d, accounts[i])
			return
		}
		items[i] = a.observeContainer(ctx, d, containers[i-len(accounts)])
	})
	for i, entry := range containers {
		isIn := func(account resource.Item) bool {
			return account.Err != nil && strings.EqualFold(account.Key, entry.ResourceID)
		}
		if at := len(accounts) + i; slices.ContainsFunc(items[:len(accounts)], isIn) { // it shows nothing of its own
			items[at] = containerItem(d, entry)
			items[at].State, items[at].Root = resource.Missing, "structure."+resource.StorageAccount
		}
	}
	return items
}

func (a *Accounts) observeAccount(ctx context.Context, d integration.Document,
	entry integration.StorageAccess) resource.Item {
	c := words(d, entry.ResourceID)
	item := resource.Item{Name: resource.StorageAccount, Title: "The account takes requests from everywhere",
		Key: entry.ResourceID, Target: entry.ResourceID, State: resource.Unchanged, Context: c}
	var found arm.StorageAccount
	item.Err = a.read(ctx, policy.LookAccount, c, func(ctx context.Context) (err error) {
		found, err = a.arm.GetStorageAccount(ctx, entry.ResourceID)
		return err
	})
	switch n := found.Network; {
	case item.Err != nil:
	case n.IsPrivate:
		item.Code, item.Detail = diagnosis.CodeNetworkRulesRestrict,
			"Public network access is disabled: the account is reached by private endpoints alone."
	case n.IsRestricted:
		item.Code, item.Detail = diagnosis.CodeNetworkRulesRestrict, fmt.Sprintf("What no rule names is refused. "+
			"Rules: %d for addresses, %d for subnets.", n.AddressRules, n.SubnetRules)
	}
	return item
}

func containerItem(d integration.Document, entry integration.StorageAccess) resource.Item {
	scope := arm.Scope(entry.ResourceID, entry.Container)
	return resource.Item{Name: resource.Container, Title: "The container is there, and lets blobs be changed",
		Key: scope, Target: scope, State: resource.Unchanged, Context: words(d, scope)}
}

func (a *Accounts) observeContainer(ctx context.Context, d integration.Document,
	entry integration.StorageAccess) resource.Item {
	item := containerItem(d, entry)
	var found arm.Container
	err := a.read(ctx, policy.LookContainer, item.Context, func(ctx context.Context) (err error) {
		found, err = a.arm.GetContainer(ctx, entry.ResourceID, entry.Container)
		return err
	})
	switch {
	case policy.IsNotThere(policy.LookContainer, err):
		item.State, item.Code = resource.Missing, diagnosis.CodeContainerNotFound
	case err != nil:
		item.Err = err
	case found.IsImmutable:
		item.Code = diagnosis.CodeImmutableContainer
	}
	return item
}

// read sends a read, and fails also where Azure has answered that nothing is there.
func (a *Accounts) read(ctx context.Context, op policy.Operation, c diagnosis.Context,
	do func(context.Context) error) error {
	var answer error
	there, err := resource.Find(ctx, a.requests, op, c, true, func(ctx context.Context) error {
		answer = do(ctx)
		return answer
	})
	if err == nil && !there {
		return policy.Fail(op, c, answer)
	}
	return err
}
