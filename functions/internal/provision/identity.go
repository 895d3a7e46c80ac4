package provision

import (
	"context"
	"errors"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// servicePrincipal writes the service principal by client id and returns its object id.
func (r *run) servicePrincipal(ctx context.Context) (string, error) {
	d := r.current()
	var principal graph.ServicePrincipal
	var w graph.Write
	began := r.now()
	err := r.try(ctx, policy.PrincipalUpsert, r.words(), func(ctx context.Context) error {
		var err error
		principal, w, err = r.Graph.UpsertServicePrincipal(ctx, d.Status.ClientID, graph.ServicePrincipalPatch{AccountEnabled: true, Tags: tags(d.ID)})
		return err
	})
	if err == nil && w.Outcome == graph.OutcomeCreated {
		r.did("servicePrincipal", d.Status.ClientID, string(w.Outcome), w.RequestID, began, nil)
		return principal.ID, nil
	}
	outcome := upserted(w.Outcome)
	if policy.ActionOf(err) == policy.Exists {
		err, outcome = nil, "unchanged"
	}
	if err == nil {
		// The saved id is not trusted here: a service principal that was made anew has another one, and Azure would
		// silently accept role assignments to the old one.
		err = r.try(ctx, policy.PrincipalGet, r.words(), func(ctx context.Context) error {
			var err error
			principal, err = r.Graph.GetServicePrincipalByAppID(ctx, d.Status.ClientID)
			return err
		})
	}
	r.did("servicePrincipal", d.Status.ClientID, string(outcome), w.RequestID, began, err)
	return principal.ID, err
}

// credentials removes the credentials that are no longer wanted, then writes those that are. It returns what exists
// now as far as it came.
func (r *run) credentials(ctx context.Context) ([]integration.FederatedCredential, error) {
	d := r.current()
	wanted := integration.WantedCredentials(d)
	for _, old := range d.Status.FederatedCredentials {
		if slices.ContainsFunc(wanted, func(w integration.FederatedCredential) bool { return w.Name == old.Name }) {
			continue
		}
		if err := r.deleteCredential(ctx, d.Status.ObjectID, old.Name); err != nil {
			return nil, err
		}
	}
	there := r.keptCredentials(ctx, d)
	for i := range wanted {
		known := slices.IndexFunc(d.Status.FederatedCredentials, func(f integration.FederatedCredential) bool { return f.Name == wanted[i].Name })
		if known >= 0 {
			wanted[i].ID = d.Status.FederatedCredentials[known].ID
		}
		if slices.ContainsFunc(there, func(f graph.FederatedCredential) bool { return f.Name == wanted[i].Name && grants(f, wanted[i]) }) {
			r.did("federatedCredential", wanted[i].Name, "unchanged", "", r.now(), nil)
			continue
		}
		if err := r.credential(ctx, d.Status.ObjectID, &wanted[i]); err != nil {
			return nil, err
		}
	}
	return wanted, nil
}

// keptCredentials reads the credentials of an integration that is believed to be whole: writing them would not tell
// whether one was changed behind our back. Without an answer all are written.
func (r *run) keptCredentials(ctx context.Context, d integration.Document) []graph.FederatedCredential {
	if !r.kept {
		return nil
	}
	there, err := r.Graph.ListFederatedCredentials(ctx, d.Status.ObjectID)
	if err != nil {
		return nil
	}
	return there
}

// grants reports whether a credential is the trust that is wanted, byte for byte.
func grants(found graph.FederatedCredential, wanted integration.FederatedCredential) bool {
	return found.Issuer == wanted.Issuer && found.Subject == wanted.Subject && slices.Equal(found.Audiences, []string{wanted.Audience})
}

// credential writes one credential.
func (r *run) credential(ctx context.Context, objectID string, f *integration.FederatedCredential) error {
	began := r.now()
	made, w, err := r.upsertCredential(ctx, objectID, *f)
	if policy.ActionOf(err) == policy.Exists {
		if made, w, err = r.settleCredential(ctx, objectID, *f); err == nil && w.Outcome == "" {
			w.Outcome = "unchanged"
		}
	}
	r.did("federatedCredential", f.Name, string(w.Outcome), w.RequestID, began, err)
	if err == nil && made.ID != "" {
		f.ID = made.ID
	}
	if err == nil && made.Name != "" && made.Name != f.Name {
		f.Name, f.Adopted = made.Name, true
	}
	return err
}

func (r *run) upsertCredential(ctx context.Context, objectID string, f integration.FederatedCredential) (graph.FederatedCredential, graph.Write, error) {
	var made graph.FederatedCredential
	var w graph.Write
	words := r.words()
	words.Subject, words.Credential = f.Subject, f.Name
	err := r.try(ctx, policy.CredentialUpsert, words, func(ctx context.Context) error {
		var err error
		made, w, err = r.Graph.UpsertFederatedCredential(ctx, objectID, f.Name, graph.FederatedCredentialPatch{
			Issuer: f.Issuer, Subject: f.Subject, Audiences: []string{f.Audience}, Description: "Made by ddoe-wif for one subject of the platform."})
		return err
	})
	return made, w, err
}

// settleCredential looks at what is in the way: an equal credential is fine, whether a request whose answer was lost has
// written it or somebody made it by hand under another name; the same issuer and subject for another audience is removed
// first, as the application is ours alone.
func (r *run) settleCredential(ctx context.Context, objectID string, f integration.FederatedCredential) (graph.FederatedCredential, graph.Write, error) {
	var all []graph.FederatedCredential
	err := r.try(ctx, policy.CredentialList, r.words(), func(ctx context.Context) error {
		var err error
		all, err = r.Graph.ListFederatedCredentials(ctx, objectID)
		return err
	})
	if err != nil {
		return graph.FederatedCredential{}, graph.Write{}, err
	}
	same := func(found graph.FederatedCredential) bool {
		return found.Issuer == f.Issuer && found.Subject == f.Subject
	}
	if i := slices.IndexFunc(all, func(found graph.FederatedCredential) bool { return grants(found, f) }); i >= 0 {
		w := graph.Write{}
		if all[i].Name != f.Name {
			w.Outcome = "adopted"
		}
		return all[i], w, nil
	}
	removed := false
	for _, found := range all {
		if same(found) && found.Name != f.Name {
			removed = true
			if err := r.deleteCredential(ctx, objectID, found.Name); err != nil {
				return graph.FederatedCredential{}, graph.Write{}, err
			}
		}
	}
	made, w, err := r.upsertCredential(ctx, objectID, f)
	if f := (*policy.Failure)(nil); removed && errors.As(err, &f) && f.Decision.Action == policy.Exists {
		return made, w, f.With(policy.RetryLater) // not gone everywhere yet
	}
	return made, w, policy.Absent(err)
}

func (r *run) deleteCredential(ctx context.Context, objectID, name string) error {
	var w graph.Write
	began := r.now()
	err := r.try(ctx, policy.CredentialDelete, r.words(), func(ctx context.Context) error {
		var err error
		w, err = r.Graph.DeleteFederatedCredential(ctx, objectID, name)
		return err
	})
	r.did("federatedCredential-delete", name, string(w.Outcome), w.RequestID, began, err)
	return err
}
