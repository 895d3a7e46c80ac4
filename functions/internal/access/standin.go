package access

import (
	"context"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"

	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// chooseContainer finds the container that stands for the account of an entry that names none. Where there is none, it
// states why, and the target stays without.
//
// Why an existing container, and not one that cannot exist: that Storage judges the rights of a request before it
// looks for the container is documented nowhere, so "not found" would prove nothing. Listing the containers, on the
// other hand, is a right that only a role at the account or above gives; together with the rights inside one container
// it shows the access as far as that can be proved without touching every container.
func (o *target) chooseContainer(ctx context.Context, cred azcore.TokenCredential) {
	const title = "The account's containers can be listed"
	found, err := o.standIn(ctx, cred)
	if err != nil && !isPastNetworkRules(err) {
		o.add(o.from(checkNetwork, "network", titleNetwork, err))
		o.skipAll(checkNetwork)
		return
	}
	if err == nil && found != "" {
		o.container = found
		check := o.passed(checkContainers, "list", title)
		check.Detail = fmt.Sprintf("No container is named, so %s is tested for the whole account.",
			redact.Printable(found))
		o.add(check)
		return
	}
	o.add(o.passed(checkNetwork, "network", titleNetwork))
	if err != nil {
		o.add(o.from(checkContainers, "list", title, err))
	} else {
		o.fault(checkContainers, "list", diagnosis.CodeAccountEmpty)
	}
	o.skipAll(checkContainers)
}

// standIn is the first container, by name, from which a probe blob can be removed again; where all are immutable, the
// first of those; "" where there is none. Containers of the service itself ($logs, $web) have rules of their own.
func (o *target) standIn(ctx context.Context, cred azcore.TokenCredential) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callBudget)
	defer cancel()
	client, err := azure.BlobService(o.url, cred, o.options())
	if err != nil {
		return "", err
	}
	protected := ""
	for pager := client.NewListContainersPager(nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, item := range page.ContainerItems {
			switch {
			case item.Name == nil || strings.HasPrefix(*item.Name, "$") || isTrue(item.Deleted):
			case !isUndeletable(item.Properties):
				return *item.Name, nil
			case protected == "":
				protected = *item.Name
			}
		}
	}
	return protected, nil
}

// isUndeletable reports whether a listing shows that what is written to the container cannot be deleted.
func isUndeletable(p *service.ContainerProperties) bool {
	return p != nil && (isTrue(p.HasImmutabilityPolicy) || isTrue(p.HasLegalHold) ||
		isTrue(p.IsImmutableStorageWithVersioningEnabled))
}
