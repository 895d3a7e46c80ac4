// Package platformlook looks at the platform's side of an integration that somebody else has made: the integration and
// the driver that an import names by their ids. It only reads.
package platformlook

import (
	"context"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Look is a resource.Looker.
type Look struct {
	client   *ddoe.Client // nil where the platform's API is off
	requests policy.Requests
}

// New returns the kind; the client is nil where the platform's API is off.
func New(client *ddoe.Client, requests policy.Requests) *Look {
	return &Look{client: client, requests: requests}
}

// Name implements resource.Place.
func (l *Look) Name() string { return resource.PlatformIntegration }

// Needs implements resource.Place: the platform shows its objects whatever becomes of the identity.
func (l *Look) Needs() []string { return nil }

// Outlives implements resource.Place.
func (l *Look) Outlives() []string { return nil }

// Observe implements resource.Looker. No access test proves anything of the platform's side.
func (l *Look) Observe(ctx context.Context, v resource.View) []resource.Item {
	st := v.Document.Status.DDOE
	if v.Ending || st == nil {
		return nil
	}
	var items []resource.Item
	if st.IntegrationID != "" {
		items = append(items, l.integration(ctx, v.Document.Words(), st.IntegrationID))
	}
	if st.DriverID != "" {
		items = append(items, l.driver(ctx, v.Document.Words(), *st))
	}
	return items
}

func (l *Look) integration(ctx context.Context, c diagnosis.Context, id string) resource.Item {
	item := resource.Item{Name: resource.PlatformIntegration, CheckID: "ddoe.integration", Key: id, Target: id,
		Title: "The platform shows the integration", State: resource.Missing, Apart: true,
		Code: diagnosis.CodeDDOEIntegrationUnknown, Context: c}
	item.Err = l.read(ctx, policy.PlatformIntegrationGet, c, func(ctx context.Context) error {
		_, err := l.client.GetIntegration(ctx, id)
		if err == nil {
			item.State, item.Code = resource.Unchanged, ""
		}
		return err
	})
	return item
}

func (l *Look) driver(ctx context.Context, c diagnosis.Context, st integration.DDOEStatus) resource.Item {
	item := resource.Item{Name: resource.Driver, CheckID: "ddoe.driver", Key: st.DriverID, Target: st.DriverID,
		Title: "The platform shows the driver, on the integration", State: resource.Missing, Apart: true,
		Code: diagnosis.CodeDDOEDriverMissing, Context: c}
	var found ddoe.Driver
	item.Err = l.read(ctx, policy.DriverGet, c, func(ctx context.Context) (err error) {
		found, err = l.client.GetDriver(ctx, st.DriverID)
		return err
	})
	switch {
	case item.Err != nil || found.ID == "":
	case st.IntegrationID != "" && !strings.EqualFold(found.IntegrationID, st.IntegrationID):
		item.State, item.Code = resource.Different, diagnosis.CodeDDOEDriverChanged
		item.Differences = []diagnosis.MemberDifference{{Member: "integrationId", Want: st.IntegrationID,
			Have: found.IntegrationID, Owner: diagnosis.OwnerOther}}
	default:
		item.State, item.Code = resource.Unchanged, ""
	}
	return item
}

// read sends a read; that there is no such object, or none that the key's user sees, is no error.
func (l *Look) read(ctx context.Context, op policy.Operation, c diagnosis.Context,
	do func(context.Context) error) error {
	if l.client == nil {
		return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeDDOEAPIOff)}
	}
	_, err := resource.FindVisible(ctx, l.requests, op, c, do)
	return err
}
