package entra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// ErrNoTenant means that an access token does not name its tenant.
var ErrNoTenant = errors.New("the access token has no tid claim")

// TenantID returns the tenant of a credential: the tid claim of an access token for the scope. It is meant for the
// app's own identity (errors are azidentity's), whose token comes from a trusted endpoint; nothing is verified.
func TenantID(ctx context.Context, cred azcore.TokenCredential, scope string) (string, error) {
	var claims struct {
		TenantID string `json:"tid"`
	}
	if err := claimsOf(ctx, cred, scope, &claims); err != nil {
		return "", err
	}
	if claims.TenantID == "" {
		return "", ErrNoTenant
	}
	return claims.TenantID, nil
}

// Roles are the app roles in a credential's token for the scope; see TenantID.
func Roles(ctx context.Context, cred azcore.TokenCredential, scope string) ([]string, error) {
	var claims struct {
		Roles []string `json:"roles"`
	}
	err := claimsOf(ctx, cred, scope, &claims)
	return claims.Roles, err
}

// PrincipalID is the object id of a credential's identity, by its token for the scope; see TenantID.
func PrincipalID(ctx context.Context, cred azcore.TokenCredential, scope string) (string, error) {
	var claims struct {
		ID string `json:"oid"`
	}
	err := claimsOf(ctx, cred, scope, &claims)
	return claims.ID, err
}

func claimsOf(ctx context.Context, cred azcore.TokenCredential, scope string, claims any) error {
	token, err := cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
	if err != nil {
		return fmt.Errorf("token of the service's own identity: %w", err)
	}
	parts := strings.Split(token.Token, ".")
	if len(parts) != 3 {
		return ErrNoTenant
	}
	raw, err := strictBase64(parts[1])
	if err != nil || json.Unmarshal(raw, claims) != nil {
		return ErrNoTenant
	}
	return nil
}
