package part

import "slices"

// Limits are the limits of the pretended cloud that can be switched.
type Limits struct {
	// ManagedIdentityRates makes requests for managed identities and their credentials meet Azure's rates. It is off
	// where nobody asks for it: at 0.25 writes a second, a test of 20 credentials would take 80 seconds.
	ManagedIdentityRates bool `json:"managedIdentityRates"`
	// RegionsWithoutFederation are the regions whose identities take no federated identity credentials.
	RegionsWithoutFederation []string `json:"regionsWithoutFederation"`
	// WithoutFederationAtAll has identities of those regions refuse to read and delete credentials, too. Which of both
	// Azure does is not documented.
	WithoutFederationAtAll bool `json:"withoutFederationAtAll"`
	// DeletedIdentitySeconds is how long the name of a deleted identity cannot be used in another region.
	DeletedIdentitySeconds int `json:"deletedIdentitySeconds"`
	// UnregisteredProviders are the resource providers that the subscriptions are not registered for, such as
	// Microsoft.ManagedIdentity.
	UnregisteredProviders []string `json:"unregisteredProviders"`
}

// knownLimits are the limits of a fresh world.
// Source: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations, "Unsupported
// regions", as of 2024.
func knownLimits() Limits {
	return Limits{RegionsWithoutFederation: []string{"malaysiasouth", "newzealandnorth"},
		UnregisteredProviders: []string{}}
}

// Limits returns the present limits.
func (b *Base) Limits() Limits {
	b.Mu.RLock()
	defer b.Mu.RUnlock()
	return b.limits.Clone()
}

// SetLimits replaces the limits. Regions that are nil are the known ones.
func (b *Base) SetLimits(l Limits) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	if l.RegionsWithoutFederation == nil {
		l.RegionsWithoutFederation = knownLimits().RegionsWithoutFederation
	}
	if l.UnregisteredProviders == nil {
		l.UnregisteredProviders = []string{}
	}
	b.limits = l.Clone()
}

func (l Limits) Clone() Limits {
	l.RegionsWithoutFederation = slices.Clone(l.RegionsWithoutFederation)
	l.UnregisteredProviders = slices.Clone(l.UnregisteredProviders)
	return l
}
