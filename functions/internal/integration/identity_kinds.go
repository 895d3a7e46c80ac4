package integration

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// IdentityKind tells what a federated identity is made of. What a kind states of itself stands here alone.
type IdentityKind string

// The kinds: an Entra application with its service principal, and a user-assigned managed identity.
const (
	IdentityApplication IdentityKind = "application"
	IdentityManaged     IdentityKind = "managedIdentity"
)

// identityKind is what a kind of identity states of itself.
type identityKind struct {
	name IdentityKind
	// upkeep is how its identities are looked after. Those in a resource group have an ARM id and a region; the others
	// have a name in the directory, and an object id by which they can be restored.
	upkeep diagnosis.Upkeep
	noun   string
	// schemaVersion is that of records which tell of such an identity.
	schemaVersion int
}

// identityKinds is the list. The first is the kind of what names none: records from before there were others, and
// specs where no setting states another.
func identityKinds() []identityKind {
	return []identityKind{
		{IdentityApplication, diagnosis.InDirectory, "application", schemaVersion1},
		{IdentityManaged, diagnosis.InResourceGroup, "managed identity", schemaVersion2},
	}
}

func unnamedKind() IdentityKind { return identityKinds()[0].name }

// about is what a kind states; of none and of an unknown one, what the first states.
func (k IdentityKind) about() identityKind {
	all := identityKinds()
	return all[max(0, slices.IndexFunc(all, func(one identityKind) bool { return one.name == k }))]
}

// IsPlaced reports whether its identities are in a resource group and a region.
func (k IdentityKind) IsPlaced() bool { return k.about().upkeep == diagnosis.InResourceGroup }

// What is said of a place for an identity that is in none, and what to do about it.
const (
	HasNoPlace = "An application is in the tenant; a managed identity alone is in a resource group and a region."

	WithoutPlace = "Leave it out, or set identity.kind to " + string(IdentityManaged) + "."
)

// ParseIdentityKind reads a kind, and the first one out of an empty text; expected tells which there are where it is
// none of them.
func ParseIdentityKind(text string) (kind IdentityKind, expected string) {
	kind = cmp.Or(IdentityKind(text), unnamedKind())
	if kind.about().name != kind {
		expected = kindNames(" or ")
	}
	return kind, expected
}

func kindNames(between string) string {
	var names []string
	for _, one := range identityKinds() {
		names = append(names, string(one.name))
	}
	return strings.Join(names, between)
}

// kindTag is the end of the tag of a member that holds a kind.
func kindTag() string { return `enum:"` + kindNames(",") + `"` }

// Words name an identity in a sentence, behind its article.
func (k IdentityKind) Words(group, location string) string {
	noun := k.about().noun
	if k.IsPlaced() {
		noun = fmt.Sprintf("%s in %s (%s)", noun, group, location)
	}
	return noun
}
