package trust_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/trust"
)

// kept are credentials whose answers are given beforehand, one for each call; the last one is repeated.
type kept struct {
	lists    [][]resource.Credential
	unread   error
	puts     []error // of every credential of a call
	deletion error
	isGone   bool
	listed   int
	written  [][]resource.Credential
	deleted  [][]string
	// description is what is written beside a new credential.
	description string
}

func (k *kept) List(context.Context, integration.Document) ([]resource.Credential, error) {
	k.listed++
	if k.unread != nil || len(k.lists) == 0 {
		return nil, k.unread
	}
	return slices.Clone(k.lists[min(k.listed, len(k.lists))-1]), nil
}

func (k *kept) Put(_ context.Context, _ integration.Document, all []resource.Credential) []resource.Receipt {
	k.written = append(k.written, all)
	receipts := make([]resource.Receipt, len(all))
	for i := range receipts {
		receipts[i] = resource.Receipt{ID: "id of " + all[i].Name, Outcome: resource.OutcomeCreated,
			RequestID: "request"}
		if len(k.puts) > 0 {
			receipts[i].Err = k.puts[min(len(k.written), len(k.puts))-1]
		}
	}
	return receipts
}

func (k *kept) Delete(_ context.Context, _ integration.Document, names []string) []resource.Receipt {
	k.deleted = append(k.deleted, names)
	receipts := make([]resource.Receipt, len(names))
	for i := range receipts {
		receipts[i] = resource.Receipt{Outcome: resource.OutcomeDeleted, RequestID: "request", Err: k.deletion,
			IsGone: k.isGone}
	}
	return receipts
}

func (*kept) Between(integration.Document) time.Duration { return 4 * time.Second }

func (k *kept) Description(integration.Document) string { return k.description }

const (
	one = "system:serviceaccount:dataloop:one"
	two = "system:serviceaccount:dataloop:two"
)

func view() resource.View {
	return resource.View{Document: integration.Document{ID: "my-service", Spec: integration.Spec{Issuer: "https://i",
		Audience: "a", Subjects: []string{one, two}}, Status: integration.Status{ClientID: "c"}}}
}

// of is the credential of a subject, by the name that we give it.
func of(subject string) resource.Credential {
	return resource.Credential{ID: "id", Name: integration.CredentialName(subject), Issuer: "https://i",
		Subject:   subject,
		Audiences: []string{"a"}}
}

func (k *kept) kind() *trust.Kind {
	return trust.New(k, policy.Requests{Now: time.Now,
		Sleep: func(context.Context, time.Duration) error { return nil }})
}

func failure(a policy.Action) error {
	return policy.Fail(policy.CredentialUpsert, diagnosis.Context{}, errors.New("refused")).With(a)
}

// TestUnreadTrust is said to be of the subjects' side exactly where only that is asked for.
func TestUnreadTrust(t *testing.T) {
	t.Parallel()
	cause := errors.New("no answer")
	for _, apart := range []bool{false, true} {
		v := view()
		v.Apart = apart
		items := (&kept{unread: cause}).kind().Observe(t.Context(), v)
		require.Len(t, items, 1)
		require.ErrorIs(t, items[0].Err, cause)
		assert.Equal(t, apart, items[0].Apart)
		assert.Equal(t, "The federated credential is as it was made", items[0].Title)
		assert.Equal(t, "federatedCredential", items[0].Name)
	}
	v := view()
	v.Apart, v.Document.Spec.Subjects = true, []string{one}
	k := &kept{}
	assert.Empty(t, k.kind().Observe(t.Context(), v), "one subject is proved by its access test")
	assert.Zero(t, k.listed)
}

// TestWhatIsInTheWay of somebody else stays, and nothing is written: the item states whose it is, and there is no
// other item of it. It is in the way where one of our name was changed as well.
func TestWhatIsInTheWay(t *testing.T) {
	t.Parallel()
	other, renamed := of(two), of(two)
	other.Name, other.Audiences = "by-hand", []string{"another"}
	renamed.Issuer = "https://j"
	for name, list := range map[string][]resource.Credential{
		"alone": {of(one), other}, "beside one of our name": {of(one), renamed, other},
	} {
		items := (&kept{lists: [][]resource.Credential{list}}).kind().Observe(t.Context(), view())
		require.Len(t, items, 2, name)
		in := items[1]
		assert.Equal(t, []any{resource.Foreign, diagnosis.CodeFederatedCredentialRefused,
			integration.CredentialName(two), time.Duration(0)}, []any{in.State, in.Code, in.Key, in.Takes}, name)
		assert.Equal(t, []diagnosis.MemberDifference{
			{Member: "audience", Want: "a", Have: "another", Owner: diagnosis.OwnerOther},
			{Member: "name", Want: integration.CredentialName(two), Have: "by-hand", Owner: diagnosis.OwnerOther}},
			in.Differences, name)
		assert.Contains(t, in.Detail, "The credential by-hand, which this service did not make", name)
		assert.Nil(t, in.Learn, name)
	}
}

// TestARecordedOneInTheWay goes by its record, before the wanted one is made: no list need show that it is gone.
func TestARecordedOneInTheWay(t *testing.T) {
	t.Parallel()
	v, old := view(), of(two)
	old.Name, old.Audiences = "old", []string{"another"}
	v.Document.Status.FederatedCredentials = []integration.FederatedCredential{{Name: "Old", Subject: two}}
	items := (&kept{lists: [][]resource.Credential{{of(one), old}}}).kind().Observe(t.Context(), v)
	require.Len(t, items, 3)
	assert.Equal(t, []resource.State{resource.Unchanged, resource.Missing, resource.Unwanted},
		[]resource.State{items[0].State, items[1].State, items[2].State})
	assert.Equal(t, "Old", items[2].Key)
	assert.Nil(t, items[1].Learn, "it is recorded until it is gone")
}

// TestWhatWasAdopted is somebody else's: whatever becomes of it, it is not to be changed and not to be removed, and
// the record forgets it when it serves no more.
func TestWhatWasAdopted(t *testing.T) {
	t.Parallel()
	own, byHand := integration.CredentialName(two), of(two)
	byHand.Name = "By-Hand"
	known := integration.FederatedCredential{Name: "by-hand", ID: "id", Issuer: "https://i", Subject: two,
		Audience: "a",
		Adopted:  true}
	served, ours := known, known
	served.Name, ours.Name, ours.Adopted = "By-Hand", own, false
	seen := func(key string, state resource.State) string { return key + " " + string(state) }
	for name, c := range map[string]struct {
		change func(v *resource.View, f *resource.Credential)
		want   []string // of the items after the first subject's
		record []integration.FederatedCredential
	}{
		"serves": {func(*resource.View, *resource.Credential) {}, []string{seen("By-Hand", resource.Unchanged)},
			[]integration.FederatedCredential{served}},
		"another audience": {func(_ *resource.View, f *resource.Credential) { f.Audiences = []string{"another"} },
			[]string{seen(own, resource.Foreign)}, nil},
		"another subject": {func(_ *resource.View, f *resource.Credential) { f.Subject = "three" },
			[]string{seen(own, resource.Missing), seen("By-Hand", resource.Extra)}, nil},
		"gone, and ours is there, unrecorded": {func(_ *resource.View, f *resource.Credential) { f.Name = own },
			[]string{seen(own, resource.Unchanged)}, []integration.FederatedCredential{ours}},
		"gone": {func(_ *resource.View, f *resource.Credential) { *f = of(one) },
			[]string{seen(own, resource.Missing)}, []integration.FederatedCredential{known}},
		"the spec has another audience": {func(v *resource.View, f *resource.Credential) {
			v.Document.Spec.Audience = "b"
		}, []string{seen(own, resource.Foreign)}, nil},
		"the spec has another issuer": {func(v *resource.View, f *resource.Credential) {
			v.Document.Spec.Issuer = "https://j"
		}, []string{seen(own, resource.Missing), seen("By-Hand", resource.Extra)}, nil},
		"the spec lets the subject in no more": {func(v *resource.View, f *resource.Credential) {
			v.Document.Spec.Subjects = []string{one}
		}, []string{seen("By-Hand", resource.Extra)}, nil},
		"the end": {func(v *resource.View, _ *resource.Credential) { v.Ending = true },
			[]string{seen("By-Hand", resource.Extra)}, nil},
	} {
		v, theirs := view(), byHand
		v.Document.Status.FederatedCredentials = []integration.FederatedCredential{known}
		c.change(&v, &theirs)
		items := (&kept{lists: [][]resource.Credential{{of(one), theirs}}}).kind().Observe(t.Context(), v)
		var is []string
		for _, item := range items[1:] {
			is = append(is, seen(item.Key, item.State))
			if item.Learn != nil {
				item.Learn(&v.Document.Status)
			}
		}
		assert.Equal(t, c.want, is, name)
		assert.ElementsMatch(t, c.record, v.Document.Status.FederatedCredentials, name)
	}
	unread, v := &kept{unread: errors.New("no answer")}, view()
	v.Document.Status.FederatedCredentials, v.Ending = []integration.FederatedCredential{known}, true
	items := unread.kind().Observe(t.Context(), v)
	require.Len(t, items, 1, "only ours is to go without a list")
	assert.Equal(t, integration.CredentialName(one), items[0].Key)
}

// TestOneThatServesInThePlaceOfOurs means that ours is gone, unless it is seen beside it, for another issuer.
func TestOneThatServesInThePlaceOfOurs(t *testing.T) {
	t.Parallel()
	v, byHand, stale := view(), of(two), of(two)
	byHand.Name, stale.Issuer = "by-hand", "https://j"
	v.Document.Status.FederatedCredentials = []integration.FederatedCredential{{Name: stale.Name, Subject: two}}
	for _, c := range []struct {
		list []resource.Credential
		want []resource.State
	}{
		{[]resource.Credential{of(one), byHand}, []resource.State{resource.Unchanged, resource.Unchanged}},
		{[]resource.Credential{of(one), byHand, stale}, []resource.State{resource.Unchanged, resource.Unchanged,
			resource.Unwanted}},
	} {
		var states []resource.State
		for _, item := range (&kept{lists: [][]resource.Credential{c.list}}).kind().Observe(t.Context(), v) {
			states = append(states, item.State)
		}
		assert.Equal(t, c.want, states)
	}
}

// TestADescriptionThatSomebodyHasChanged is shown as theirs, of a credential that we made alone.
func TestADescriptionThatSomebodyHasChanged(t *testing.T) {
	t.Parallel()
	theirs := diagnosis.MemberDifference{Member: "description", Want: "ours", Have: "ask Ada first",
		Owner: diagnosis.OwnerOther}
	audience := diagnosis.MemberDifference{Member: "audience", Want: "a", Have: "another",
		Owner: diagnosis.OwnerOurs}
	name := diagnosis.MemberDifference{Member: "name", Want: integration.CredentialName(two), Have: "by-hand",
		Owner: diagnosis.OwnerOther}
	for what, c := range map[string]struct {
		change func(*resource.Credential)
		state  resource.State
		want   []diagnosis.MemberDifference
	}{
		"ours": {func(f *resource.Credential) { f.Description = "ours" }, resource.Unchanged, nil},
		"changed": {func(f *resource.Credential) { f.Description = "ask Ada first" }, resource.Unchanged,
			[]diagnosis.MemberDifference{theirs}},
		"changed, with the audience": {func(f *resource.Credential) {
			f.Description, f.Audiences = "ask Ada first", []string{"another"}
		}, resource.Different, []diagnosis.MemberDifference{audience, theirs}},
		"of an adopted one": {func(f *resource.Credential) { f.Description, f.Name = "ask Ada first", "by-hand" },
			resource.Unchanged, []diagnosis.MemberDifference{name}},
	} {
		first, second := of(one), of(two)
		first.Description = "ours"
		c.change(&second)
		k := &kept{lists: [][]resource.Credential{{first, second}}, description: "ours"}
		items := k.kind().Observe(t.Context(), view())
		require.Len(t, items, 2, what)
		assert.Empty(t, items[0].Differences, what)
		assert.Equal(t, []any{c.state, c.want}, []any{items[1].State, items[1].Differences}, what)
	}
}

// TestTheRecordHoldsOneOfASubject and one of a name, whichever was there before.
func TestTheRecordHoldsOneOfASubject(t *testing.T) {
	t.Parallel()
	for name, known := range map[string]integration.FederatedCredential{
		"another name":    {Name: "old", Subject: two},
		"another subject": {Name: integration.CredentialName(two), Subject: "old"},
	} {
		st := integration.Status{FederatedCredentials: []integration.FederatedCredential{{Name: "first", Subject: "x"},
			known, {Name: "last", Subject: "y"}}}
		items := (&kept{lists: [][]resource.Credential{{of(one), of(two)}}}).kind().Observe(t.Context(), view())
		items[1].Learn(&st)
		require.Len(t, st.FederatedCredentials, 3, name)
		assert.Equal(t, integration.FederatedCredential{ID: "id", Name: integration.CredentialName(two),
			Issuer: "https://i", Subject: two, Audience: "a"}, st.FederatedCredentials[1], name)
	}
}

// TestAWriteThatMeetsAnother looks at what is in its way.
func TestAWriteThatMeetsAnother(t *testing.T) {
	t.Parallel()
	exists := failure(policy.Exists)
	changed, adopted, theirs := of(two), of(two), of(two)
	changed.Audiences = []string{"another"}
	adopted.Name, adopted.ID = "by-hand", "id of by-hand"
	theirs.Name, theirs.Audiences = "by-hand", []string{"another"}
	others := slices.Repeat([]resource.Credential{{Name: "other", Issuer: "https://o", Subject: "o"}}, 20)
	for name, c := range map[string]struct {
		list    []resource.Credential
		puts    []error
		writes  int
		code    diagnosis.Code
		action  policy.Action
		outcome resource.Outcome
		id      string
	}{
		"an equal one": {[]resource.Credential{of(two)}, []error{exists}, 1, "", "",
			resource.OutcomeUnchanged, "id"},
		"an equal one, by hand": {[]resource.Credential{adopted}, []error{exists}, 1, "", "",
			resource.OutcomeAdopted, "id of by-hand"},
		"another one": {[]resource.Credential{changed}, []error{exists, nil}, 2, "", "",
			resource.OutcomeCreated, "id of " + changed.Name},
		"another one, that stays": {[]resource.Credential{changed}, []error{exists}, 2, "", policy.RetryLater, "", ""},
		"none any more": {others[:19], []error{exists, nil}, 2, "", "", resource.OutcomeCreated,
			"id of " + changed.Name},
		"none that is seen": {others[:19], []error{exists}, 2, "",
			policy.ActionOf(policy.Absent(exists)), "", ""},
		"one of somebody else": {[]resource.Credential{theirs}, []error{exists}, 1,
			diagnosis.CodeFederatedCredentialRefused, "", "", ""},
		"as many as there may be": {others, []error{exists}, 1, diagnosis.CodeFederatedCredentialLimit, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := &kept{lists: [][]resource.Credential{nil}}
			items := k.kind().Observe(t.Context(), view())
			k.lists, k.puts = [][]resource.Credential{c.list}, c.puts
			r := k.kind().Apply(t.Context(), view(), items[1:2])[0]
			assert.Len(t, k.written, c.writes)
			assert.Equal(t, c.outcome, r.Outcome)
			var known *diagnosis.Error
			if c.code != "" {
				require.ErrorAs(t, r.Err, &known)
				want := diagnosis.New(c.code, diagnosis.WithContext(items[1].Context))
				assert.Equal(t, []any{c.code, want.Remedy}, []any{known.Diagnosis.Code, known.Diagnosis.Remedy})
				assert.Empty(t, k.deleted)
				return
			}
			assert.Equal(t, c.action, policy.ActionOf(r.Err))
			if c.outcome == "" {
				require.Error(t, r.Err)
				return
			}
			require.NoError(t, r.Err)
			var st integration.Status
			r.Learn(&st)
			assert.Equal(t, c.id, st.FederatedCredentials[0].ID)
		})
	}
}

// TestRemovedUntilNoListShowsIt: what still is listed is deleted again, what is not is done.
func TestRemovedUntilNoListShowsIt(t *testing.T) {
	t.Parallel()
	v := view()
	v.Ending = true
	first, second := of(one).Name, of(two).Name
	k := &kept{lists: [][]resource.Credential{{of(one), of(two)}, {of(one), of(two)}, {of(two)}, nil}}
	items := k.kind().Observe(t.Context(), v)
	require.Len(t, items, 2)
	results := k.kind().Remove(t.Context(), v, items)
	assert.Equal(t, [][]string{{first, second}, {first, second}, {second}}, k.deleted)
	for i, r := range results {
		require.NoError(t, r.Err)
		assert.Equal(t, []any{"federatedCredential-delete", items[i].Key, resource.OutcomeDeleted, "request"},
			[]any{r.Step, r.StepTarget, r.Outcome, r.RequestID})
		st := integration.Status{FederatedCredentials: []integration.FederatedCredential{{Name: first},
			{Name: second}}}
		r.Learn(&st)
		assert.Equal(t, []integration.FederatedCredential{{Name: []string{second, first}[i]}}, st.FederatedCredentials)
	}
	stays := &kept{lists: [][]resource.Credential{{of(two)}}}
	results = stays.kind().Remove(t.Context(), v, items)
	require.NoError(t, results[0].Err)
	var known *diagnosis.Error
	require.ErrorAs(t, results[1].Err, &known)
	assert.Equal(t, diagnosis.CodeObjectStillThere, known.Diagnosis.Code)
	assert.Nil(t, results[1].Learn)
	gone, pauses := &kept{isGone: true}, 0
	kind := trust.New(gone, policy.Requests{Now: time.Now,
		Sleep: func(context.Context, time.Duration) error { pauses++; return nil }})
	for _, r := range kind.Remove(t.Context(), v, items) {
		require.NoError(t, r.Err)
	}
	assert.Zero(t, gone.listed, "a read has shown it already")
	assert.Zero(t, pauses, "nothing is waited for")
	assert.Len(t, gone.deleted, 1)
	refused := &kept{deletion: failure(policy.GiveUp)}
	for _, r := range refused.kind().Remove(t.Context(), v, items) {
		require.ErrorIs(t, r.Err, refused.deletion)
		assert.Nil(t, r.Learn)
	}
	for _, ending := range []bool{true, false} {
		v.Ending = ending
		none := &kept{deletion: failure(policy.Unsupported)}
		for _, r := range none.kind().Remove(t.Context(), v, items) {
			assert.Equal(t, ending, r.Err == nil, "what can have none has none, at the end alone")
		}
	}
}

// TestEveryDifference of a credential of our name is told, an expression in the place of a subject too.
func TestEveryDifference(t *testing.T) {
	t.Parallel()
	ours := diagnosis.OwnerOurs
	for name, c := range map[string]struct {
		change func(*resource.Credential)
		want   []diagnosis.MemberDifference
	}{
		"issuer": {func(f *resource.Credential) { f.Issuer = "https://j" },
			[]diagnosis.MemberDifference{{Member: "issuer", Want: "https://i", Have: "https://j", Owner: ours}}},
		"two audiences": {func(f *resource.Credential) { f.Audiences = []string{"a", "b"} },
			[]diagnosis.MemberDifference{{Member: "audience", Want: "a", Have: "a b", Owner: ours}}},
		"an expression": {func(f *resource.Credential) { f.Subject, f.Expression = "", "claims['sub'] matches 'x'" },
			[]diagnosis.MemberDifference{{Member: "subject", Want: two, Have: "claims['sub'] matches 'x'",
				Owner: ours}}},
		"all": {func(f *resource.Credential) { f.Issuer, f.Subject, f.Audiences = "j", "s", nil },
			[]diagnosis.MemberDifference{{Member: "issuer", Want: "https://i", Have: "j", Owner: ours},
				{Member: "subject", Want: two, Have: "s", Owner: ours},
				{Member: "audience", Want: "a", Owner: ours}}},
	} {
		found := of(two)
		c.change(&found)
		items := (&kept{lists: [][]resource.Credential{{of(one), found}}}).kind().Observe(t.Context(), view())
		require.Len(t, items, 2, name)
		assert.Equal(t, []any{resource.Different, diagnosis.CodeFederatedCredentialChanged, c.want},
			[]any{items[1].State, items[1].Code, items[1].Differences}, name)
	}
}
