package storetest_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemory(t *testing.T) {
	t.Run("a store of its own", func(t *testing.T) {
		storetest.Run(t, func(*testing.T) integration.Store { return storetest.NewMemory() })
	})
	t.Run("a shared store", func(t *testing.T) {
		shared := storetest.NewMemory()
		storetest.Run(t, func(*testing.T) integration.Store { return shared })
	})
}
