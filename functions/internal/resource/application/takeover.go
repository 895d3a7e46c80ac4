package application

import (
	"context"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// roleAll is the app role that needs no ownership.
const roleAll = "Application.ReadWrite.All"

// AdmitTakeover implements resource.Takeable: Graph lets this service change the applications and service principals
// that it owns, unless it has the wider role.
func (k *Kind) AdmitTakeover(ctx context.Context, d integration.Document) error {
	c := words(d)
	if d.Status.Identity.ID == "" {
		return refuse(diagnosis.CodeApplicationNotOwned, c,
			diagnosis.WithDetail("Its application is registered in another tenant, or is not to be seen."))
	}
	principalID, roles, err := k.self(ctx)
	if err != nil {
		return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeServiceIdentityUnavailable), Err: err}
	}
	c.AppPrincipalID = principalID
	for _, one := range []struct {
		op      policy.Operation
		id      string
		list    func(context.Context, string) ([]string, error)
		missing diagnosis.Code
	}{{policy.LookApplication, d.Status.Identity.ID, k.graph.ListApplicationOwners, diagnosis.CodeIdentityMissing},
		{policy.LookPrincipal, d.Status.ServicePrincipalID, k.graph.ListPrincipalOwners,
			diagnosis.CodeServicePrincipalMissing}} {
		var owners []string
		found, err := resource.Find(ctx, k.requests, one.op, c, true, func(ctx context.Context) error {
			var err error
			owners, err = one.list(ctx, one.id)
			return err
		})
		switch {
		case err != nil:
			return err
		case !found:
			return refuse(one.missing, c)
		case !slices.Contains(roles, roleAll) && !slices.Contains(owners, principalID):
			return refuse(diagnosis.CodeApplicationNotOwned, c)
		}
	}
	return nil
}

func refuse(code diagnosis.Code, c diagnosis.Context, opts ...diagnosis.Option) error {
	return &diagnosis.Error{Diagnosis: diagnosis.New(code, append(opts, diagnosis.WithContext(c))...)}
}
