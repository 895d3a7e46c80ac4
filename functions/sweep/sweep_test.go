package sweep_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/health"
	"github.com/ddoe-ai/azure-wif/functions/sweep"
)

func TestALateTimerSweepsLikeAnyOther(t *testing.T) {
	down := errors.New("store down")
	for _, pastDue := range []bool{false, true} {
		swept := 0
		f := sweep.Function{Sweep: func(context.Context) error { swept++; return down }}
		require.ErrorIs(t, f.Tick(t.Context(), pastDue), down)
		assert.Equal(t, 1, swept)
	}
}

// TestTheTimerRunsAsOftenAsASweepLooksAhead: a longer pause would make checks late, a shorter one is waste.
func TestTheTimerRunsAsOftenAsASweepLooksAhead(t *testing.T) {
	raw, err := os.ReadFile("function.json")
	require.NoError(t, err)
	var file struct {
		Bindings []struct{ Type, Schedule string }
	}
	require.NoError(t, json.Unmarshal(raw, &file))
	minutes, ok := strings.CutPrefix(file.Bindings[0].Schedule, "0 */")
	require.True(t, ok)
	n, err := strconv.Atoi(strings.TrimSuffix(minutes, " * * * *"))
	require.NoError(t, err)
	assert.Equal(t, health.SweepInterval, time.Duration(n)*time.Minute)
}
