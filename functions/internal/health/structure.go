package health

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/grant"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// look compares what Entra and Azure hold with what the document says was made.
type look struct {
	observer *Observer
	document integration.Document
	// settled says that replication explains no absence any more.
	settled bool
	checks  []diagnosis.Check
}

const layerStructure = "structure"

func (l *look) application(ctx context.Context) {
	const id, title = "structure.application", "The application exists"
	d := l.document
	app, err := l.observer.Graph.GetApplicationByUniqueName(ctx, d.Status.UniqueName)
	if err == nil && app.AppID != d.Status.ClientID {
		words := l.words("application.get")
		words.ClientID = app.AppID // the one to look at: the other is gone
		l.differs(id, "application-replaced", d.Status.ClientID, app.AppID, words)
		return
	}
	l.answer(id, title, err, l.words("application.get"))
}

func (l *look) principal(ctx context.Context) {
	const id, title = "structure.servicePrincipal", "The service principal exists and is enabled"
	d := l.document
	principal, err := l.observer.Graph.GetServicePrincipalByAppID(ctx, d.Status.ClientID)
	words := l.words("servicePrincipal.get")
	switch {
	case err == nil && principal.ID != d.Status.ServicePrincipalID:
		l.differs(id, "service-principal-replaced", d.Status.ServicePrincipalID, principal.ID, words)
	case err == nil && !principal.AccountEnabled:
		l.differs(id, "service-principal-disabled", "enabled", "disabled", words)
	default:
		l.answer(id, title, err, words)
	}
}

// credentials holds each federated credential against its three values, byte for byte, as Entra does.
func (l *look) credentials(ctx context.Context) {
	const id, title = "structure.federatedCredential", "The federated credential is as it was made"
	d := l.document
	found, err := l.observer.Graph.ListFederatedCredentials(ctx, d.Status.ObjectID)
	if err != nil {
		l.answer(id, title, err, l.words("application.get")) // not found is the application
		return
	}
	for _, want := range d.Status.FederatedCredentials {
		words := l.words("federatedCredential.get")
		words.Subject, words.Issuer, words.Audience = want.Subject, want.Issuer, want.Audience
		words.Credential, words.Target = want.Name, want.Name
		i := slices.IndexFunc(found, func(f graph.FederatedCredential) bool { return strings.EqualFold(f.Name, want.Name) })
		if i < 0 {
			l.differs(id, "federated-credential-missing", "", "", words)
			continue
		}
		l.compare(id, title, want, found[i], words)
	}
}

func (l *look) compare(id, title string, want integration.FederatedCredential, is graph.FederatedCredential, words diagnosis.Context) {
	for _, value := range []struct{ field, want, is string }{
		{"/issuer", want.Issuer, is.Issuer}, {"/subject", want.Subject, is.Subject}, {"/audience", want.Audience, strings.Join(is.Audiences, " ")},
	} {
		if value.want != value.is {
			check := l.differs(id, "federated-credential-changed", value.want, value.is, words)
			check.Field, check.DiffAt = value.field, diagnosis.Diff(value.want, value.is).At
			return
		}
	}
	l.answer(id, title, nil, words)
}

func (l *look) assignments(ctx context.Context) {
	const id, title = "structure.roleAssignment", "The role is assigned"
	for _, want := range l.document.Status.RoleAssignments {
		words := l.words("rbac.get")
		words.Scope, words.Role, words.Target = want.Scope, lastSegment(want.RoleDefinitionID), want.Scope
		words.Assignment = grant.Name(want)
		is, err := l.observer.ARM.GetRoleAssignment(ctx, want.ID)
		same := grant.Same(want, integration.RoleAssignment{Scope: is.Scope, RoleDefinitionID: is.RoleDefinitionID, PrincipalID: is.PrincipalID})
		if err == nil && !same {
			l.differs(id, "role-assignment-changed", lastSegment(want.RoleDefinitionID)+" for "+want.PrincipalID, lastSegment(is.RoleDefinitionID)+" for "+is.PrincipalID, words)
			continue
		}
		l.answer(id, title, err, words)
	}
}

func lastSegment(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// answer adds the check that ends with a service's answer. Only "not found" says something of the integration: any other
// refusal is about the app's own identity or the way.
func (l *look) answer(id, title string, err error, words diagnosis.Context) {
	check := diagnosis.CheckFrom(id, layerStructure, title, err, words)
	var service interface{ HTTPStatus() int }
	if err != nil {
		check.Target = words.Target
		if errors.As(err, &service) && service.HTTPStatus() == http.StatusNotFound {
			check.Transient = !l.settled
		} else {
			check.Status = diagnosis.OutcomeUnknown
		}
	}
	l.checks = append(l.checks, check)
}

// differs adds the check of something that is not as it was made.
func (l *look) differs(id, code, expected, actual string, words diagnosis.Context) *diagnosis.Check {
	check := diagnosis.CheckOf(id, layerStructure, diagnosis.New(code, diagnosis.WithContext(words)))
	check.Expected, check.Actual, check.Target = diagnosis.Printable(expected), diagnosis.Printable(actual), words.Target
	check.Transient = !l.settled
	l.checks = append(l.checks, check)
	return &l.checks[len(l.checks)-1]
}

// words are what the texts of a diagnosis are filled with.
func (l *look) words(operation string) diagnosis.Context {
	d := l.document
	return diagnosis.Context{Operation: operation, Issuer: d.Spec.Issuer, Audience: d.Spec.Audience, TenantID: d.Spec.TenantID,
		ClientID: d.Status.ClientID, ObjectID: d.Status.ObjectID, PrincipalID: d.Status.ServicePrincipalID, Settled: l.settled}
}
