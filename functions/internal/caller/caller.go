// Package caller has the words for who asks the app for something: the holder of an Entra access token, whoever has
// the function key, or a producer of the queue. What a caller may see follows from its roles and from what it owns.
package caller

import (
	"cmp"
	"context"
	"slices"

	"github.com/google/uuid"
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

// Caller is who sent a request or a message.
type Caller struct {
	// ID is the object id of the user or service principal; IDFunctionKey of a holder of the function key; of a
	// producer, the owner that the producers of the queue stand for.
	ID string
	// AppID is the client id of the application by which the token was asked for; empty where there is no token.
	AppID string
	// Roles are the caller's app roles.
	Roles []Role
	// Groups are the object ids of the groups that the token names.
	Groups []string
	// IsQueue is true of a producer of the queue.
	IsQueue bool
}

// IDs name a caller in records, answers and events. They hold no name of a person.
type IDs struct {
	ID    string `json:"objectId"`
	AppID string `json:"appId,omitempty" doc:"Client id by which the token was asked for"`
}

// LongTags are the ends of tags that are too long for a line.
func (IDs) LongTags() map[string]string {
	return map[string]string{
		"ID": `doc:"Object id in Entra; function-key of a holder of the function key; of a message, what ` +
			`QUEUE_OWNER names, else queue"`,
	}
}

// Standing is what decides, beside the ids, what a caller may do.
type Standing struct {
	Roles  []Role   `json:"roles,omitempty"`
	Groups []string `json:"groups,omitempty"`
}

// Standing is the caller's.
func (c Caller) Standing() Standing { return Standing{Roles: c.Roles, Groups: c.Groups} }

// Of is the caller with ids and standing.
func Of(ids IDs, s Standing) Caller {
	return Caller{ID: ids.ID, AppID: ids.AppID, Roles: s.Roles, Groups: s.Groups}
}

// The ids of callers that have no object id.
const (
	// IDFunctionKey stands for whoever has the function key: keys do not tell their holders apart.
	IDFunctionKey = "function-key"
	// IDQueue stands for the producers of the queue, where no setting names an owner for them.
	IDQueue = "queue"
)

// FunctionKey is the caller where no token is asked for. The key is the only door then, and opens everything.
func FunctionKey() Caller { return Caller{ID: IDFunctionKey, Roles: []Role{RoleAdmin}} }

// Queue is the caller of messages: those who may send to the queue, on whose behalf is owner; IDQueue where it is
// empty. roles are what they have beside what is their owner's.
func Queue(owner string, roles ...Role) Caller {
	return Caller{ID: cmp.Or(owner, IDQueue), Roles: roles, IsQueue: true}
}

// IDs are the caller's ids.
func (c Caller) IDs() IDs { return IDs{ID: c.ID, AppID: c.AppID} }

// HasRole reports whether the caller may do what takes the role.
func (c Caller) HasRole(needed Role) bool {
	order := Roles()
	return slices.ContainsFunc(c.Roles, func(held Role) bool {
		return slices.Contains(order, held) && slices.Index(order, held) >= slices.Index(order, needed)
	})
}

// IsKnownAdministrator reports whether the caller is an administrator by a token: the holder of the function key, who
// may do as much, is nobody that is known.
func (c Caller) IsKnownAdministrator() bool { return c.HasRole(RoleAdmin) && c.ID != IDFunctionKey }

// IsOwner reports whether the caller is the owner, by itself or by a group.
func (c Caller) IsOwner(owner string) bool {
	return owner != "" && (c.ID == owner || slices.Contains(c.Groups, owner))
}

// CanSee reports whether the caller may see, and by its role change, what the owner has: administrators see all.
func (c Caller) CanSee(owner string) bool { return c.HasRole(RoleAdmin) || c.IsOwner(owner) }

// IsValidOwner reports whether the text can name an owner: an object id, or a word for callers that have none.
func IsValidOwner(owner string) bool {
	id, err := uuid.Parse(owner)
	return err == nil && id.String() == owner || owner == IDFunctionKey || owner == IDQueue
}

type contextKey struct{}

// With returns a context that carries the caller.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, contextKey{}, &c)
}

// Without returns a context in which the app itself asks, such as for what decides about a caller's request and is
// never told to it.
func Without(ctx context.Context) context.Context {
	return context.WithValue(ctx, contextKey{}, (*Caller)(nil))
}

// From returns who asks, and false where nobody does: the app then works by itself, on what was asked before.
func From(ctx context.Context) (Caller, bool) {
	c, _ := ctx.Value(contextKey{}).(*Caller)
	if c == nil {
		return Caller{}, false
	}
	return *c, true
}
