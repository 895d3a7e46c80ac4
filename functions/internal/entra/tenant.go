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
	token, err := cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
	if err != nil {
		return "", fmt.Errorf("token of the service's own identity: %w", err)
	}
	parts := strings.Split(token.Token, ".")
	if len(parts) != 3 {
		return "", ErrNoTenant
	}
	raw, err := strictBase64(parts[1])
	if err != nil {
		return "", ErrNoTenant
	}
	var claims struct {
		TenantID string `json:"tid"`
	}
	if json.Unmarshal(raw, &claims) != nil || claims.TenantID == "" {
		return "", ErrNoTenant
	}
	return claims.TenantID, nil
}
