package integration

// IdentityNames is an identity by the names that records and callers know its members by. Some are words of one kind
// alone: this file is where they are told apart.
type IdentityNames struct {
	Identity           *IdentityStatus `json:"identity,omitempty"`
	UniqueName         string          `json:"uniqueName,omitempty"`
	ClientID           string          `json:"clientId,omitempty"`
	ObjectID           string          `json:"objectId,omitempty"`
	ServicePrincipalID string          `json:"servicePrincipalId,omitempty"`
}

// LongTags are the ends of tags that are too long for a line.
func (IdentityNames) LongTags() map[string]string {
	return map[string]string{
		"Identity": `doc:"What the identity is made of; absent while nothing has been made"`,
		"UniqueName": `doc:"uniqueName of the app registration, the key it is found by; absent of a managed ` +
			`identity"`,
		"ClientID":           `doc:"Client id of the identity"`,
		"ObjectID":           `doc:"Object id of the application; absent of a managed identity"`,
		"ServicePrincipalID": `doc:"Object id of the service principal, the id that role assignments name"`,
	}
}

// IdentityStatus tells what the identity is made of that there is, or that is about to be made.
type IdentityStatus struct {
	Kind           IdentityKind `json:"kind,omitempty"`
	ResourceID     string       `json:"resourceId,omitempty" doc:"ARM id of a managed identity"`
	Location       string       `json:"location,omitempty" doc:"Azure region of a managed identity"`
	FormerClientID string       `json:"formerClientId,omitempty"`
	IsTaken        bool         `json:"takenOver,omitempty" doc:"It was imported, and taken over since"`
}

// LongTags are the ends of tags that are too long for a line.
func (IdentityStatus) LongTags() map[string]string {
	return map[string]string{
		"Kind": kindTag(),
		"FormerClientID": `doc:"Client id before the identity was replaced or made anew: whoever uses it still has ` +
			`to be given clientId"`,
	}
}

// IdentityNames is the identity as callers see it.
func (s Status) IdentityNames() IdentityNames {
	i := s.Identity
	names := IdentityNames{ClientID: s.ClientID, ServicePrincipalID: s.ServicePrincipalID}
	status := IdentityStatus{Kind: i.Kind, Location: i.Location, FormerClientID: i.FormerClientID, IsTaken: i.IsTaken}
	if i.Kind.IsPlaced() {
		status.ResourceID = i.Key
	} else {
		names.UniqueName, names.ObjectID = i.Key, i.ID
	}
	if status != (IdentityStatus{}) {
		names.Identity = &status
	}
	return names
}

// record leaves out that the identity is an application where its ids tell it.
func (n IdentityNames) record() IdentityNames {
	if n.hasIDs() && n.Identity != nil && *n.Identity == (IdentityStatus{Kind: unnamedKind()}) {
		n.Identity = nil
	}
	return n
}

func (n IdentityNames) hasIDs() bool { return n.ClientID != "" || n.ObjectID != "" }

// made is the identity that a record tells of. One from before there were kinds names none: what it has is an
// application.
func (n IdentityNames) made() IdentityMade {
	made := IdentityMade{Key: n.UniqueName, ID: n.ObjectID}
	if i := n.Identity; i != nil {
		made.Kind, made.Location, made.FormerClientID = i.Kind, i.Location, i.FormerClientID
		made.IsTaken = i.IsTaken
		made.Key += i.ResourceID
	}
	if made.Kind == "" && n.hasIDs() {
		made.Kind = unnamedKind()
	}
	return made
}

// take makes an identity ours that somebody else has made. A unique name that others have given an application is no
// key of ours.
func (i *IdentityMade) take() {
	if i.IsTaken = true; !i.Kind.IsPlaced() {
		i.Key = ""
	}
}

// ProvisionResult is the result of a successful provisioning: the ids of the identity. An application alone has an
// object id.
type ProvisionResult struct {
	ClientID           string `json:"clientId"`
	TenantID           string `json:"tenantId"`
	ObjectID           string `json:"objectId,omitempty"`
	ServicePrincipalID string `json:"servicePrincipalId"`
}

// ProvisionResult are the ids that the document has.
func (d Document) ProvisionResult() ProvisionResult {
	names := d.Status.IdentityNames()
	return ProvisionResult{ClientID: names.ClientID, TenantID: d.Spec.TenantID, ObjectID: names.ObjectID,
		ServicePrincipalID: names.ServicePrincipalID}
}
