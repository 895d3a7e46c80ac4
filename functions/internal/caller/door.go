package caller

import (
	"context"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// Door lets callers in. Its zero value asks for no token: the Functions host has asked for the function key, and
// nothing tells its holders apart.
type Door struct {
	// Verify returns who a token speaks for; nil where none is asked for.
	Verify func(ctx context.Context, token string) (Caller, error)
	// Audience is what the tokens are for.
	Audience string
}

// Admit returns who sends a request with such an Authorization header, where that caller has the role. Whatever the
// error, the caller is returned as far as it is known.
func (d Door) Admit(ctx context.Context, authorization string, needed Role) (Caller, error) {
	if d.Verify == nil {
		return FunctionKey(), nil
	}
	scheme, token, _ := strings.Cut(authorization, " ")
	if token = strings.TrimSpace(token); token == "" || !strings.EqualFold(scheme, "Bearer") {
		return Caller{}, d.refuse(diagnosis.CodeUnauthorized, needed)
	}
	c, err := d.Verify(ctx, token)
	if err == nil && !c.HasRole(needed) {
		err = d.refuse(diagnosis.CodeForbidden, needed)
	}
	return c, err
}

func (d Door) refuse(code diagnosis.Code, needed Role) error {
	return &diagnosis.Error{Diagnosis: diagnosis.New(code,
		diagnosis.WithContext(diagnosis.Context{API: d.Audience, AppRole: string(needed)}))}
}
