package provision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// servicePrincipal writes the service principal by client id and returns its object id.
func (r *run) servicePrincipal(ctx context.Context) (string, error) {
	d := r.current()
	var principal graph.ServicePrincipal
	var w graph.Write
	began := r.now()
	err := r.try(ctx, opPrincipalUpsert, r.words(), func(ctx context.Context) error {
		var err error
		principal, w, err = r.Graph.UpsertServicePrincipal(ctx, d.Status.ClientID, graph.ServicePrincipalPatch{AccountEnabled: true, Tags: tags(d.ID)})
		return err
	})
	if err == nil && w.Outcome == graph.OutcomeCreated {
		r.did("servicePrincipal", d.Status.ClientID, string(w.Outcome), w.RequestID, began, nil)
		return principal.ID, nil
	}
	outcome := w.Outcome
	if reactionOf(err) == readBack {
		err, outcome = nil, "unchanged"
	}
	if err == nil {
		// The saved id is not trusted here: a service principal that was made anew has another one, and Azure would
		// silently accept role assignments to the old one.
		err = r.try(ctx, opPrincipalGet, r.words(), func(ctx context.Context) error {
			var err error
			principal, err = r.Graph.GetServicePrincipalByAppID(ctx, d.Status.ClientID)
			return err
		})
	}
	r.did("servicePrincipal", d.Status.ClientID, string(outcome), w.RequestID, began, err)
	return principal.ID, err
}

// credentialPrefix begins the names of our federated credentials.
const credentialPrefix = "subject-"

// credentialName derives a credential's name from its subject alone, so that a change of issuer or audience is an
// update in place and the old trust ends with it.
func credentialName(subject string) string {
	sum := sha256.Sum256([]byte(subject))
	return credentialPrefix + hex.EncodeToString(sum[:8])
}

// wantedCredentials are the credentials that the spec asks for, one for each subject.
func wantedCredentials(spec integration.Spec) []integration.FederatedCredential {
	wanted := make([]integration.FederatedCredential, len(spec.Subjects))
	for i, subject := range spec.Subjects {
		wanted[i] = integration.FederatedCredential{Name: credentialName(subject), Issuer: spec.Issuer, Subject: subject, Audience: spec.Audience}
	}
	return wanted
}

// credentials removes the credentials that are no longer wanted, then writes those that are. It returns what exists
// now as far as it came.
func (r *run) credentials(ctx context.Context) ([]integration.FederatedCredential, error) {
	d := r.current()
	wanted := wantedCredentials(d.Spec)
	for _, old := range d.Status.FederatedCredentials {
		if slices.ContainsFunc(wanted, func(w integration.FederatedCredential) bool { return w.Name == old.Name }) {
			continue
		}
		if err := r.deleteCredential(ctx, d.Status.ObjectID, old.Name); err != nil {
			return nil, err
		}
	}
	for i := range wanted {
		known := slices.IndexFunc(d.Status.FederatedCredentials, func(f integration.FederatedCredential) bool { return f.Name == wanted[i].Name })
		if known >= 0 {
			wanted[i].ID = d.Status.FederatedCredentials[known].ID
		}
		if err := r.credential(ctx, d.Status.ObjectID, &wanted[i]); err != nil {
			return nil, err
		}
	}
	return wanted, nil
}

// credential writes one credential.
func (r *run) credential(ctx context.Context, objectID string, f *integration.FederatedCredential) error {
	began := r.now()
	made, w, err := r.upsertCredential(ctx, objectID, *f)
	if reactionOf(err) == readBack {
		if made, w, err = r.settleCredential(ctx, objectID, *f, err); err == nil && w.Outcome == "" {
			w.Outcome = "unchanged"
		}
	}
	r.did("federatedCredential", f.Name, string(w.Outcome), w.RequestID, began, err)
	if err == nil && made.ID != "" {
		f.ID = made.ID
	}
	return err
}

func (r *run) upsertCredential(ctx context.Context, objectID string, f integration.FederatedCredential) (graph.FederatedCredential, graph.Write, error) {
	var made graph.FederatedCredential
	var w graph.Write
	words := r.words()
	words.Subject = f.Subject
	err := r.try(ctx, opCredentialUpsert, words, func(ctx context.Context) error {
		var err error
		made, w, err = r.Graph.UpsertFederatedCredential(ctx, objectID, f.Name, graph.FederatedCredentialPatch{
			Issuer: f.Issuer, Subject: f.Subject, Audiences: []string{f.Audience}, Description: "Made by ddoe-wif for one subject of the platform."})
		return err
	})
	return made, w, err
}

// settleCredential looks at what is in the way: the credential itself, written by a request whose answer was lost, is
// fine; the same trust under another of our names is removed first; anything else is not ours to touch.
func (r *run) settleCredential(ctx context.Context, objectID string, f integration.FederatedCredential, cause error) (graph.FederatedCredential, graph.Write, error) {
	var all []graph.FederatedCredential
	err := r.try(ctx, opCredentialList, r.words(), func(ctx context.Context) error {
		var err error
		all, err = r.Graph.ListFederatedCredentials(ctx, objectID)
		return err
	})
	if err != nil {
		return graph.FederatedCredential{}, graph.Write{}, err
	}
	for _, found := range all {
		same := found.Issuer == f.Issuer && found.Subject == f.Subject
		switch {
		case found.Name == f.Name && same && slices.Equal(found.Audiences, []string{f.Audience}):
			return found, graph.Write{}, nil
		case found.Name != f.Name && same && !ours(found.Name):
			return graph.FederatedCredential{}, graph.Write{}, cause
		case found.Name != f.Name && same:
			if err := r.deleteCredential(ctx, objectID, found.Name); err != nil {
				return graph.FederatedCredential{}, graph.Write{}, err
			}
		}
	}
	made, w, err := r.upsertCredential(ctx, objectID, f)
	if reactionOf(err) == readBack {
		err = &failure{operation: opCredentialUpsert, reaction: later, context: r.words(), err: err} // not gone everywhere yet
	}
	return made, w, err
}

// ours reports whether a credential's name is one that credentialName makes.
func ours(name string) bool {
	return len(name) == len(credentialPrefix)+16 && name[:len(credentialPrefix)] == credentialPrefix
}

func (r *run) deleteCredential(ctx context.Context, objectID, name string) error {
	var w graph.Write
	began := r.now()
	err := r.try(ctx, opCredentialDelete, r.words(), func(ctx context.Context) error {
		var err error
		w, err = r.Graph.DeleteFederatedCredential(ctx, objectID, name)
		return err
	})
	r.did("federatedCredential-delete", name, string(w.Outcome), w.RequestID, began, err)
	return err
}
