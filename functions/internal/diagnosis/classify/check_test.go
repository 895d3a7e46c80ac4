package classify

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

func TestCheckWithoutError(t *testing.T) {
	pass := Check("access.list", "list", "It can be listed", nil, diagnosis.Context{Target: "https://x/c"})
	want := assessment.Check{ID: "access.list", Layer: "list", Status: diagnosis.OutcomePass,
		Title:  "It can be listed",
		Target: "https://x/c"}
	assert.Equal(t, want, pass)
}

// TestCheckOfAnError is the diagnosis of the error as a check of that id and layer.
func TestCheckOfAnError(t *testing.T) {
	c := diagnosis.Context{Target: "https://x/c"}
	err := &exchangeFake{status: 400, number: 700213, subject: "a\nb"}
	check := Check("exchange.token", "exchange", "t", err, c)
	want := assessment.CheckOf("exchange.token", "exchange", Error(err, c))
	want.Target, want.Field, want.Presented = "https://x/c", "/subject", redact.Printable("a\nb")
	require.NotNil(t, check.Bearing.IfThere)
	assert.Equal(t, diagnosis.CodeCredentialNotEffective, check.Bearing.IfThere.Code)
	want.Bearing = check.Bearing
	assert.Equal(t, want, check)
	assert.Nil(t, check.DiffAt, "there is nothing to compare with")
	c.Subject = "a"
	check = Check("exchange.token", "exchange", "t", err, c)
	require.NotNil(t, check.DiffAt)
	assert.Equal(t, 1, *check.DiffAt)
	assert.Equal(t, "a", check.Expected)
	assert.Contains(t, check.Detail, "presented with", "what Entra was presented with")
}
