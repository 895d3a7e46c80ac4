// Package caller tells who sends a request over HTTP: the holder of an Entra access token for this API, or, where the
// app asks for none, whoever has the function key. It trusts a token alone, never a header such as
// X-MS-CLIENT-PRINCIPAL, which any sender can write.
package caller

import (
	"context"
	"slices"
)

// Role is an app role of the API's registration in Entra, as the claim roles has it.
type Role string

// The roles. One that may change may also look, and an administrator may do both.
const (
	RoleRead    Role = "Wif.Read"
	RoleOperate Role = "Wif.Operate"
	RoleAdmin   Role = "Wif.Admin"
)

// Roles are all roles, the one that allows least first.
func Roles() []Role { return []Role{RoleRead, RoleOperate, RoleAdmin} }

// Caller is who sent a request.
type Caller struct {
	// ID is the object id of the user or service principal; idFunctionKey of a holder of the function key.
	ID string
	// AppID is the client id of the application by which the token was asked for; empty where there is no token.
	AppID string
	// Roles are the caller's app roles.
	Roles []Role
}

// idFunctionKey stands for whoever has the function key: keys do not tell their holders apart.
const idFunctionKey = "function-key"

// FunctionKey is the caller where no token is asked for. The key is the only door then, and opens everything.
func FunctionKey() Caller { return Caller{ID: idFunctionKey, Roles: []Role{RoleAdmin}} }

// HasRole reports whether the caller may do what takes the role.
func (c Caller) HasRole(needed Role) bool {
	order := Roles()
	return slices.ContainsFunc(c.Roles, func(held Role) bool {
		return slices.Contains(order, held) && slices.Index(order, held) >= slices.Index(order, needed)
	})
}

type contextKey struct{}

// With returns a context that carries the caller.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, contextKey{}, c)
}

// From returns the caller of the request; the zero value, who has no role, where there is none.
func From(ctx context.Context) Caller {
	c, _ := ctx.Value(contextKey{}).(Caller)
	return c
}
