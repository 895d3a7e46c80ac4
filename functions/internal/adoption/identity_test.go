package adoption_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/entitlement"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// before is a store that does something, once, before a write below a prefix.
type before struct {
	integration.Store
	prefix string
	isDone atomic.Bool
	do     func()
	fails  error
}

func (b *before) Put(ctx context.Context, key string, body []byte, ifMatch string) (string, error) {
	if strings.HasPrefix(key, b.prefix) {
		if b.isDone.CompareAndSwap(false, true) {
			if b.do(); b.fails != nil {
				return "", b.fails
			}
		}
	}
	return b.Store.Put(ctx, key, body, ifMatch)
}

// TestTwoImportsOfOneIdentity at the same moment: another one gets ahead at each point between the look for others and
// the write. One wins, and the other is told which.
func TestTwoImportsOfOneIdentity(t *testing.T) {
	t.Parallel()
	const winner, loser = "first", "second"
	for name, prepare := range map[string]func(f *fixture, ahead func()){
		"after the list": func(f *fixture, ahead func()) {
			var isDone atomic.Bool
			f.looker.items = func() []resource.Item {
				if isDone.CompareAndSwap(false, true) {
					ahead()
				}
				return seen()
			}
		},
		"before the claim is written": func(f *fixture, ahead func()) {
			f.Repository.Store = &before{Store: f.Repository.Store, prefix: "identities/", do: ahead}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture()
			prepare(f, func() {
				in := wanted()
				in.ID = winner
				f.imported(t, in)
			})
			in := wanted()
			in.ID = loser
			_, err := f.Import(t.Context(), in)
			assert.Equal(t, "The integration first has the identity with the client id "+client+".",
				refused(t, err, diagnosis.CodeIdentityBound).Detail)
			_, err = f.Repository.Get(t.Context(), loser)
			require.ErrorIs(t, err, integration.ErrNotFound)
		})
	}
}

// TestAnImportThatIsAboutToBeWritten counts already, for ten minutes, and is not named to whom it is not to be shown.
func TestAnImportThatIsAboutToBeWritten(t *testing.T) {
	t.Parallel()
	f := newFixture()
	f.Claims = &entitlement.Claims{IsOff: true}
	f.Policy.Grants = []entitlement.Grant{{Callers: []string{"role:Wif.Operate"}, Access: "read",
		Issuers: []string{"https://dataloop.ai/oauth2"}, Storage: []string{account},
		Subjects: []string{"system:serviceaccount:dataloop:my-service"}}}
	now := start
	f.Repository.Now = func() time.Time { return now }
	as := func(who string) context.Context {
		return caller.With(t.Context(), caller.Caller{ID: who, Roles: []caller.Role{caller.RoleOperate}})
	}
	second := wanted()
	second.ID = "second"
	bound := func(who, which string) {
		_, err := f.Import(as(who), second)
		assert.Equal(t, which+" has the identity with the client id "+client+".",
			refused(t, err, diagnosis.CodeIdentityBound).Detail)
	}
	f.Repository.Store = &before{Store: f.Repository.Store, prefix: "integrations/", fails: storetest.ErrDown,
		do: func() {
			bound("team-a", "The integration by-hand")
			bound("team-b", "Another owner's integration")
		}}
	_, err := f.Import(as("team-a"), wanted())
	require.ErrorIs(t, err, storetest.ErrDown)

	now = start.Add(10*time.Minute - time.Second)
	bound("team-b", "Another owner's integration")
	now = start.Add(10 * time.Minute)
	_, err = f.Import(as("team-b"), second)
	require.NoError(t, err, "it was never written")
	_, err = f.Import(as("team-a"), wanted())
	refused(t, err, diagnosis.CodeIdentityBound)
}

// TestOneOfManyImports of one identity that are sent at the same moment is taken.
func TestOneOfManyImports(t *testing.T) {
	t.Parallel()
	for range 20 {
		f := newFixture()
		f.looker.items = seen
		var all sync.WaitGroup
		taken := make(chan string, 6)
		for i := range cap(taken) {
			all.Go(func() {
				in := wanted()
				in.ID = fmt.Sprint("import-", i)
				if _, err := f.Import(t.Context(), in); err == nil {
					taken <- in.ID
				}
			})
		}
		all.Wait()
		assert.Len(t, taken, 1)
	}
}

// TestAnIdentityThatWasForgotten can be imported at once, under any id.
func TestAnIdentityThatWasForgotten(t *testing.T) {
	t.Parallel()
	f := newFixture()
	now := start
	f.Repository.Now = func() time.Time { now = now.Add(time.Second); return now }
	f.imported(t, wanted())
	_, err := f.Repository.Update(t.Context(), "by-hand", func(d *integration.Document) error {
		d.Status = integration.Tombstone(*d, false)
		return nil
	})
	require.NoError(t, err)
	in := wanted()
	in.ID = "second"
	assert.Equal(t, "second", f.imported(t, in).ID)
}
