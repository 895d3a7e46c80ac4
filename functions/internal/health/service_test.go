package health_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/health"
)

// TestNewRefusesWhatIsIncomplete: a service that would fail at its first use is not made.
func TestNewRefusesWhatIsIncomplete(t *testing.T) {
	t.Parallel()
	whole := newFixture(t).service.Options
	for name, take := range map[string]func(o *health.Options){
		"Repository": func(o *health.Options) { o.Repository = nil },
		"Look":       func(o *health.Options) { o.Look = nil },
		"Engine":     func(o *health.Options) { o.Engine = nil },
		"Send":       func(o *health.Options) { o.Send = nil },
		"Source":     func(o *health.Options) { o.Source = "" },
		"Proves":     func(o *health.Options) { o.IsProof = nil },
		"Kinds":      func(o *health.Options) { o.Kinds = nil },
		"Schedule":   func(o *health.Options) { o.Schedule.Repository = nil },
		"Schedule ":  func(o *health.Options) { o.Schedule.Now = nil },
	} {
		o := whole
		take(&o)
		_, err := health.New(o)
		require.ErrorContains(t, err, strings.TrimSpace(name)+" is required")
	}
	_, err := health.New(whole)
	require.NoError(t, err)
	for range 20 { // a map has another order each time
		_, err := health.New(health.Options{})
		require.ErrorContains(t, err, "Engine", "the same is named at every start")
	}
}

func TestNewObserverRefusesWhatIsIncomplete(t *testing.T) {
	t.Parallel()
	whole := newScene(t).observer.ObserverOptions
	for name, take := range map[string]func(o *health.ObserverOptions){
		"Tester": func(o *health.ObserverOptions) { o.Tester = nil },
		"Kinds":  func(o *health.ObserverOptions) { o.Kinds = nil },
	} {
		o := whole
		take(&o)
		_, err := health.NewObserver(o)
		require.ErrorContains(t, err, name)
	}
}
