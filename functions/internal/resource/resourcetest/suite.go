// Package resourcetest is the conformance suite of resource kinds. A kind's test makes the kind over a pretended
// service, tells what a person and somebody else can do to its objects there, and has the suite run. What a kind
// cannot do is said in Suite.Lacks, with the reason.
//
// The rules that it holds (package resource, docs/decisions.md): after any fault of any request the same action,
// repeated, ends with exactly the wanted objects, and after Remove with none, or with a refusal that has a code; no
// object of ours is ever forgotten or disowned, and none of others is changed or removed.
package resourcetest

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Object is one object of a kind in its cloud.
type Object struct {
	// Key is the one that the object's item has.
	Key    string
	IsOurs bool
	// State is all that counts of the object. Of ours it has no id that is another one in another cloud.
	State string
}

// Subject is a kind in a fresh cloud, and what others can do there. Each function is nil where Suite.Lacks tells why.
type Subject struct {
	Kind resource.Kind
	// Document asks for objects of the kind, and has in its status what the kind needs of others.
	Document integration.Document
	// Objects are what the cloud holds of the kind.
	Objects func() []Object
	// Binned are the objects of ours that were removed and could be restored.
	Binned func() int
	// Change is another intent: it makes something unwanted or different.
	Change func(*integration.Spec)
	// Move is an intent that has to be carried out elsewhere: ours is removed where it is, and made anew there.
	Move func(*integration.Spec)
	// Leaves is the code with which the attempt ends that has removed ours from where it was; empty where the same
	// attempt makes it anew.
	Leaves diagnosis.Code
	// Drift is somebody's change of a member that we own.
	Drift func(t testing.TB)
	// Delete is somebody's removal of all that is ours.
	Delete func(t testing.TB)
	// Beside makes an object of somebody else beside ours, once ours is there. It is never touched.
	Beside func(t testing.TB)
	// Foreign are the objects of somebody else that are in the way of ours.
	Foreign []Foreign
	// Members are those that somebody else sets on an object of ours.
	Members []Member
	// Lock has what the kind proves access through refuse it. Only of a resource.Prover.
	Lock func(t testing.TB)
}

// Foreign is an object of somebody else in the place of ours. It is never touched.
type Foreign struct {
	Name string
	// Put makes the object, unless ours holds the place already.
	Put func(t testing.TB)
	// Refusal is the code with which nothing is made; empty where the object serves as it is, or ours is made beside
	// it.
	Refusal diagnosis.Code
	// Turns are what its owner makes of an object that serves as it is, while it serves: Put does that, and Refusal is
	// as above.
	Turns []Foreign
	// Races is why an object that comes between the look and the write is taken over; empty where none is.
	Races string
}

// Member is a member of our object that somebody else sets.
type Member struct {
	// Name is the member in an item's differences.
	Name string
	Set  func(t testing.TB)
	// IsSilent is why no item shows it; empty where one does.
	IsSilent string
}

// Ability is what a kind may lack.
type Ability string

// The abilities.
const (
	CanMake    Ability = "objects are made"
	CanBin     Ability = "removed objects can be restored"
	CanChange  Ability = "the spec changes what is wanted"
	CanMove    Ability = "the spec wants it elsewhere"
	CanDrift   Ability = "somebody changes a member of ours"
	CanBeside  Ability = "somebody makes an object beside ours"
	CanForeign Ability = "somebody's object is in the way"
	CanMembers Ability = "somebody sets a member that we do not own"
)

// Suite is a kind under test.
type Suite struct {
	Name string
	// New makes a fresh cloud with the kind in it, over the wire.
	New func(t testing.TB, w *Wire) *Subject
	// Lacks tells what the kind cannot do, and why.
	Lacks map[Ability]string
	// Keyless tells of requests, by the beginning of their shape, why one that was refused is not sent again: two of
	// them may make two objects.
	Keyless map[string]string
}

// Run runs the suite, and logs what its matrix comes to.
func (s Suite) Run(t *testing.T) {
	total := &totals{actions: map[string]bool{}, kinds: map[string]bool{}, keyless: map[string]int{}}
	t.Run("repeat", s.testRepeat)
	t.Run("foreign", s.testForeign)
	t.Run("members of others", s.testMembers)
	t.Run("lagging lists", func(t *testing.T) { s.testLag(t, total) })
	for _, c := range s.scenarios(t) {
		t.Run(c.name, func(t *testing.T) { s.testFaults(t, c, total) })
	}
	for shape := range s.Keyless {
		assert.Positive(t, total.keyless[shape], "%s is not asked", shape)
	}
	t.Log(s.Name + ": " + total.String())
}

// hasAbility reports whether the kind has an ability. A reason without a lack fails, and so does a lack without a
// reason.
func (s Suite) hasAbility(t testing.TB, a Ability, given bool) bool {
	t.Helper()
	reason, lacks := s.Lacks[a]
	if given == lacks {
		t.Fatalf("%s: %s: given is %t, and Lacks says %q", s.Name, a, given, reason)
	}
	return given
}
