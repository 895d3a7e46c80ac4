package world

import (
	"errors"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
)

func (w *World) editApplication(id string, body []byte) error {
	var a Application
	if err := decodeObject(body, &a, id, &a.ID); err != nil {
		return err
	}
	if old, ok := w.state.applications.get(id); ok {
		if a.AppID == "" {
			a.AppID = old.AppID
		}
		if a.CreatedDateTime.IsZero() {
			a.CreatedDateTime = old.CreatedDateTime
		}
	}
	if holder, held := w.state.appByUniqueName[a.UniqueName]; held && a.UniqueName != "" && key(holder) != key(id) {
		return ErrUniqueNameTaken
	}
	if holder, held := w.state.appByAppID[key(a.AppID)]; held && key(holder) != key(id) {
		return ErrExists
	}
	if _, binned := w.state.binned.get(id); binned {
		return ErrExists
	}
	a.DeletedDateTime = nil
	w.putApplication(w.completeApplication(a))
	return nil
}

func (w *World) editPrincipal(id string, body []byte) error {
	var sp ServicePrincipal
	if err := decodeObject(body, &sp, id, &sp.ID); err != nil {
		return err
	}
	if old, ok := w.state.principals.get(id); ok {
		if sp.AppID == "" {
			sp.AppID = old.AppID
		}
		if sp.CreatedDateTime.IsZero() {
			sp.CreatedDateTime = old.CreatedDateTime
		}
	}
	if err := required("appId", sp.AppID); err != nil {
		return err
	}
	if holder, held := w.state.spByAppID[key(sp.AppID)]; held && key(holder) != key(id) {
		return ErrExists
	}
	if _, binned := w.state.binned.get(id); binned {
		return ErrExists
	}
	app, _ := w.applicationByAppID(sp.AppID)
	sp.DeletedDateTime = nil
	w.putPrincipal(w.completePrincipal(sp, app))
	return nil
}

func (w *World) removePrincipal(id string) error {
	if _, ok := w.state.principals.get(id); !ok {
		return ErrNotFound
	}
	w.binServicePrincipal(id)
	return nil
}

func (w *World) editDeletedItem(id string, body []byte) error {
	var d DeletedItem
	if err := decodeObject(body, &d, id, &d.ID); err != nil {
		return err
	}
	_, liveApp := w.state.applications.get(id)
	_, livePrincipal := w.state.principals.get(id)
	if liveApp || livePrincipal {
		return ErrExists
	}
	now := w.Now()
	switch {
	case (d.Application == nil) == (d.ServicePrincipal == nil):
		return &strictjson.Error{Detail: "exactly one of application and servicePrincipal is required"}
	case d.Application != nil:
		a := w.completeApplication(*d.Application)
		if holder, held := w.state.appByUniqueName[a.UniqueName]; held && a.UniqueName != "" && key(holder) != key(id) {
			return ErrUniqueNameTaken
		}
		a.ID, d.Type, d.Application = d.ID, TypeApplication, &a
		if a.UniqueName != "" {
			w.state.appByUniqueName[a.UniqueName] = a.ID
		}
		if a.DeletedDateTime == nil {
			a.DeletedDateTime = &now
		}
	default:
		sp := w.completePrincipal(*d.ServicePrincipal, Application{})
		sp.ID, d.Type, d.ServicePrincipal = d.ID, TypeServicePrincipal, &sp
		if sp.DeletedDateTime == nil {
			sp.DeletedDateTime = &now
		}
	}
	w.state.binned.put(id, d)
	return nil
}

func (w *World) editCredential(id string, body []byte) error {
	var f FederatedIdentityCredential
	if err := decodeObject(body, &f, id, &f.ID); err != nil {
		return err
	}
	old, exists := w.credentialByID(id)
	if f.ApplicationID == "" {
		f.ApplicationID = old.ApplicationID
	}
	if f.Name == "" {
		f.Name = old.Name
	}
	if err := errors.Join(required("applicationId", f.ApplicationID), required("name", f.Name)); err != nil {
		return err
	}
	if _, ok := w.state.applications.get(f.ApplicationID); !ok {
		return ErrNotFound
	}
	if named, taken := w.credential(f.ApplicationID, f.Name); taken && key(named.ID) != key(id) {
		return ErrExists
	}
	if err := w.checkPair(f); err != nil {
		return err
	}
	changed := f.Issuer != old.Issuer || f.Subject != old.Subject || !slices.Equal(f.Audiences, old.Audiences)
	if f.ChangedAt.IsZero() || changed && f.ChangedAt.Equal(old.ChangedAt) {
		f.ChangedAt = w.Now()
	}
	if f.Audiences == nil {
		f.Audiences = []string{}
	}
	if exists {
		w.state.credentials[key(old.ApplicationID)].delete(id)
	}
	w.putCredential(f)
	return nil
}

func (w *World) removeCredential(id string) error {
	f, ok := w.credentialByID(id)
	if !ok {
		return ErrNotFound
	}
	w.state.credentials[key(f.ApplicationID)].delete(f.ID)
	return nil
}

func (w *World) credentialByID(id string) (FederatedIdentityCredential, bool) {
	for _, rows := range w.state.credentials {
		if f, ok := rows.get(id); ok {
			return f, true
		}
	}
	return FederatedIdentityCredential{}, false
}

// editAssignment takes the full ARM id or the name alone.
func (w *World) editAssignment(id string, body []byte) error {
	var ra RoleAssignment
	if err := strictjson.Decode(body, &ra); err != nil {
		return err
	}
	id = fullID(id)
	if ra.Name == "" {
		ra.Name = LastSegment(id)
	}
	if !strings.EqualFold(ra.Name, LastSegment(id)) {
		return idMismatch("name", id)
	}
	old, exists := w.assignmentByName(ra.Name)
	if before, _, isFull := strings.Cut(id, "/providers/Microsoft.Authorization/roleAssignments/"); isFull && ra.Scope == "" {
		ra.Scope = before
	}
	if ra.Scope == "" {
		ra.Scope = old.Scope
	}
	if err := errors.Join(required("scope", ra.Scope), required("principalId", ra.PrincipalID),
		required("roleDefinitionId", ra.RoleDefinitionID)); err != nil {
		return err
	}
	if ra.PrincipalType == "" {
		ra.PrincipalType = "ServicePrincipal"
	}
	if ra.CreatedOn.IsZero() {
		ra.CreatedOn = w.Now()
	}
	ra.ID = RoleAssignmentID(ra.Scope, ra.Name)
	for other := range w.state.byPrincipal[key(ra.PrincipalID)] {
		if o, ok := w.state.assignments.get(other); ok && !strings.EqualFold(o.Name, ra.Name) && o.sameGrant(ra) {
			return ErrExists
		}
	}
	if exists {
		w.deleteAssignment(old)
	}
	w.putAssignment(ra)
	return nil
}

func (w *World) removeAssignment(id string) error {
	ra, ok := w.state.assignments.get(fullID(id))
	if !ok {
		ra, ok = w.assignmentByName(id)
	}
	if !ok {
		return ErrNotFound
	}
	w.deleteAssignment(ra)
	return nil
}

func (w *World) assignmentByName(name string) (RoleAssignment, bool) {
	return w.state.assignments.get(w.state.assignmentNames[key(name)])
}
