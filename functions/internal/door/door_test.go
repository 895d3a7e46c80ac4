package door_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/door"
)

func TestTheDoor(t *testing.T) {
	t.Parallel()
	operator := caller.Caller{ID: "someone", Roles: []caller.Role{caller.RoleOperate}}
	entrance := door.Door{Audience: "api://wif", Verify: func(_ context.Context, token string) (caller.Caller, error) {
		if token != "good" {
			return caller.Caller{}, &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeCallerTokenInvalid)}
		}
		return operator, nil
	}}
	for name, row := range map[string]struct {
		header string
		needed caller.Role
		want   diagnosis.Code
	}{
		"good":                  {"Bearer good", caller.RoleOperate, ""},
		"in another case":       {"bearer  good", caller.RoleRead, ""},
		"no header":             {"", caller.RoleRead, diagnosis.CodeUnauthorized},
		"another scheme":        {"Basic good", caller.RoleRead, diagnosis.CodeUnauthorized},
		"no token":              {"Bearer ", caller.RoleRead, diagnosis.CodeUnauthorized},
		"a bad token":           {"Bearer bad", caller.RoleRead, diagnosis.CodeCallerTokenInvalid},
		"a role that it lacks":  {"Bearer good", caller.RoleAdmin, diagnosis.CodeForbidden},
		"a token and no scheme": {"good", caller.RoleRead, diagnosis.CodeUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := entrance.Admit(t.Context(), row.header, row.needed)
			if row.want == "" {
				require.NoError(t, err)
				assert.Equal(t, operator, got)
				return
			}
			assert.Equal(t, row.want, codeOf(t, err))
		})
	}
	_, err := entrance.Admit(t.Context(), "Bearer good", caller.RoleAdmin)
	assert.ErrorContains(t, err, "Wif.Admin")
	_, err = entrance.Admit(t.Context(), "", caller.RoleAdmin)
	assert.ErrorContains(t, err, "api://wif")
}

// TestTheFunctionKeyIsTheOnlyDoor where no token is asked for: what a header says counts for nothing.
func TestTheFunctionKeyIsTheOnlyDoor(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"", "Bearer forged"} {
		got, err := door.Door{}.Admit(t.Context(), header, caller.RoleAdmin)
		require.NoError(t, err)
		assert.Equal(t, caller.FunctionKey(), got)
	}
}
