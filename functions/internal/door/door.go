// Package door lets callers in who show an Entra access token for this API. It trusts a token alone, never a header
// such as X-MS-CLIENT-PRINCIPAL, which any sender can write.
package door

import (
	"context"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// Door lets callers in. Its zero value asks for no token: the Functions host has asked for the function key, and
// nothing tells its holders apart.
type Door struct {
	// Verify returns who a token speaks for; nil where none is asked for.
	Verify func(ctx context.Context, token string) (caller.Caller, error)
	// Audience is what the tokens are for.
	Audience string
}

// Admit returns who sends a request with such an Authorization header, where that caller has the role. Whatever the
// error, the caller is returned as far as it is known.
func (d Door) Admit(ctx context.Context, authorization string, needed caller.Role) (caller.Caller, error) {
	if d.Verify == nil {
		return caller.FunctionKey(), nil
	}
	scheme, token, _ := strings.Cut(authorization, " ")
	if token = strings.TrimSpace(token); token == "" || !strings.EqualFold(scheme, "Bearer") {
		return caller.Caller{}, d.refuse(diagnosis.CodeUnauthorized, needed)
	}
	c, err := d.Verify(ctx, token)
	if err == nil && !c.HasRole(needed) {
		err = d.refuse(diagnosis.CodeForbidden, needed)
	}
	return c, err
}

func (d Door) refuse(code diagnosis.Code, needed caller.Role) error {
	return &diagnosis.Error{Diagnosis: diagnosis.New(code,
		diagnosis.WithContext(diagnosis.Context{API: d.Audience, AppRole: string(needed)}))}
}
