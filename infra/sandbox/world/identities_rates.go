package world

import (
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
)

// IdentityOperation is what a request wants of a managed identity, or of its credentials: each has rates of its own.
type IdentityOperation string

// The operations.
const (
	WriteIdentity   IdentityOperation = "write identity"
	DeleteIdentity  IdentityOperation = "delete identity"
	GetIdentity     IdentityOperation = "get identity"
	ListIdentities  IdentityOperation = "list identities"
	WriteCredential IdentityOperation = "write credential"
	// DeleteCredential and the others of credentials count for the identity, the resource that holds them.
	DeleteCredential IdentityOperation = "delete credential"
	GetCredential    IdentityOperation = "get credential"
	ListCredentials  IdentityOperation = "list credentials"
)

// identityRates are requests a second for the tenant, the subscription and the resource. They are the same for
// identities and for credentials.
// Source: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations#throttling-limits.
func identityRates(o IdentityOperation) [3]float64 {
	switch o {
	case GetIdentity, GetCredential:
		return [3]float64{30, 10, 0.5}
	case ListIdentities, ListCredentials:
		return [3]float64{15, 5, 0.25}
	default:
		return [3]float64{10, 2, 0.25}
	}
}

// bucket holds the requests that may be made at once; it fills at its rate up to one second's worth, one at least. How
// Azure counts is not documented.
type bucket struct {
	tokens float64
	at     time.Time
}

// AdmitIdentityRequest counts one request for the resource, an identity or a group of them, and returns zero, or how
// long to wait if it comes too soon; then it does not count. Limits.ManagedIdentityRates switches it on.
func (i *Identities) AdmitIdentityRequest(o IdentityOperation, resourceID string) time.Duration {
	i.Mu.Lock()
	defer i.Mu.Unlock()
	if !i.LimitsHeld().ManagedIdentityRates {
		return 0
	}
	subscription := ""
	if parts := strings.Split(resourceID, "/"); len(parts) > 2 { // /subscriptions/{}
		subscription = parts[2]
	}
	rates := identityRates(o)
	var filled [3]bucket
	var names [3]string
	var wait time.Duration
	for n, of := range []string{"", subscription, resourceID} {
		names[n] = string(o) + " " + part.Key(of)
		filled[n] = i.fill(i.state.buckets[names[n]], rates[n])
		if missing := 1 - filled[n].tokens; missing > 0 {
			wait = max(wait, time.Duration(missing/rates[n]*float64(time.Second)))
		}
	}
	if wait > 0 {
		return wait
	}
	for n, b := range filled {
		b.tokens--
		i.state.buckets[names[n]] = b
	}
	return 0
}

// fill adds what has come since the bucket was last looked at. One that was never looked at is full.
func (i *Identities) fill(b bucket, rate float64) bucket {
	now, most := i.Now(), max(1, rate)
	if b.at.IsZero() {
		return bucket{tokens: most, at: now}
	}
	return bucket{tokens: min(most, b.tokens+rate*i.ElapsedHeld(b.at).Seconds()), at: now}
}
