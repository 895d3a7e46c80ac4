package classify

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

func TestCheckWithoutError(t *testing.T) {
	pass := Check("access.list", "list", "It can be listed", nil, diagnosis.Context{Target: "https://x/c"})
	want := diagnosis.Check{ID: "access.list", Layer: "list", Status: diagnosis.OutcomePass, Title: "It can be listed",
		Target: "https://x/c"}
	assert.Equal(t, want, pass)
}
