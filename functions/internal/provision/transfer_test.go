package provision_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
)

const (
	formerOwner = "55555555-5555-4555-8555-555555555555"
	nextOwner   = "66666666-6666-4666-8666-666666666666"
)

// TestTransfer gives an integration away, and writes nothing where that is refused or is nothing new.
func TestTransfer(t *testing.T) {
	t.Parallel()
	version := func(d integration.Document) string { return `"` + integration.SpecVersion(d) + `"` }
	for name, c := range map[string]struct {
		id, owner string
		ifMatch   func(integration.Document) string
		code      diagnosis.Code
		isWritten bool
	}{
		"to another":                  {id: id, owner: nextOwner, isWritten: true},
		"to another, of this version": {id: id, owner: nextOwner, ifMatch: version, isWritten: true},
		"to its owner":                {id: id, owner: formerOwner},
		"of another version": {id: id, owner: nextOwner, code: diagnosis.CodePreconditionFailed,
			ifMatch: func(integration.Document) string { return `"9-00000000"` }},
		"of none": {id: "another-id", owner: nextOwner, code: diagnosis.CodeIntegrationNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.provisioned(spec("images"))
			before, err := f.Repository.Update(t.Context(), id, func(d *integration.Document) error {
				d.Owner, d.LastModifiedBy = formerOwner, caller.IDs{ID: "queue"}
				return nil
			})
			require.NoError(t, err)
			f.Advance(time.Hour)
			ifMatch := ""
			if c.ifMatch != nil {
				ifMatch = c.ifMatch(before)
			}
			who := caller.Caller{ID: formerOwner, Roles: []caller.Role{caller.RoleOperate}}
			ctx, record := invocation.With(caller.With(t.Context(), who))
			d, err := f.service.Transfer(ctx, c.id, c.owner, ifMatch)
			if c.code == "" {
				require.NoError(t, err)
			} else {
				requireCode(t, c.code, err)
			}
			named, _, _ := record.Values()
			assert.Equal(t, c.id, named)
			after := f.Document()
			if c.code == "" {
				assert.Equal(t, after, d)
			}
			if !c.isWritten {
				assert.Equal(t, before, after)
				return
			}
			want := before
			want.Owner, want.LastModifiedBy = c.owner, who.IDs()
			want.ETag, want.UpdatedAt = after.ETag, f.Now().UTC()
			assert.Equal(t, want, after)
		})
	}
}
