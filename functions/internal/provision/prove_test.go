package provision_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// prover is a kind through which others prove access.
type prover struct {
	*fakeKind
	prove func(asked int) resource.Proof
	asked int
}

func (p *prover) CanProve(integration.Document) bool { return true }

func (p *prover) Prove(context.Context, resource.View) resource.Proof {
	p.asked++
	return p.prove(p.asked)
}

// TestWhatOthersProve is asked for while it is pending, for a day; what may pass by itself is waited for as long as
// what was written propagates, and what stays is not waited for.
func TestWhatOthersProve(t *testing.T) {
	t.Parallel()
	lacking := diagnosis.New(diagnosis.CodeRoleMissing)
	pending := resource.Proof{Pending: true, Diagnosis: &lacking}
	for name, c := range map[string]struct {
		prove func(asked int) resource.Proof
		// asked is the fewest and the most questions, and within the time that they take.
		asked  [2]int
		within [2]time.Duration
		phase  integration.Phase
		status string
		reason diagnosis.Code
	}{
		"at once": {prove: func(int) resource.Proof { return resource.Proof{Proved: true} }, asked: [2]int{1, 1},
			within: [2]time.Duration{0, time.Minute}, phase: integration.PhaseUsable, status: "True"},
		"hours later": {prove: func(asked int) resource.Proof {
			if asked > 50 {
				return resource.Proof{Proved: true}
			}
			return pending
		}, asked: [2]int{51, 51}, within: [2]time.Duration{8 * time.Hour, 12 * time.Hour},
			phase: integration.PhaseUsable, status: "True"},
		"never": {prove: func(int) resource.Proof { return pending }, asked: [2]int{90, 120},
			within: [2]time.Duration{23 * time.Hour, 24 * time.Hour}, phase: integration.PhaseProvisioned,
			status: "Unknown", reason: lacking.Code},
		"nothing is known of it": {prove: func(int) resource.Proof { return resource.Proof{Pending: true} },
			asked: [2]int{90, 120}, within: [2]time.Duration{23 * time.Hour, 24 * time.Hour},
			phase: integration.PhaseProvisioned, status: "Unknown", reason: diagnosis.CodeSubjectTokenUnavailable},
		"what may pass": {prove: func(int) resource.Proof {
			return resource.Proof{Passing: true,
				Diagnosis: &lacking}
		},
			asked: [2]int{8, 15}, within: [2]time.Duration{8 * time.Minute, 10 * time.Minute},
			phase: integration.PhaseProvisioned, status: "Unknown", reason: lacking.Code},
		"what stays": {prove: func(int) resource.Proof { return resource.Proof{Diagnosis: &lacking} },
			asked: [2]int{1, 1}, within: [2]time.Duration{0, time.Minute}, phase: integration.PhaseFailed,
			status: "False", reason: lacking.Code},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			p := &prover{fakeKind: h.roof, prove: c.prove}
			h.service.Kinds = []resource.Kind{h.ground, h.walls, p, h.door}
			h.restart()
			began := h.Now()
			d := h.provisioned(spec("images"))
			h.verified(d.Status.LastOperationID)
			took := h.Now().Sub(began)
			assert.GreaterOrEqual(t, p.asked, c.asked[0])
			assert.LessOrEqual(t, p.asked, c.asked[1])
			assert.GreaterOrEqual(t, took, c.within[0])
			assert.LessOrEqual(t, took, c.within[1])
			assert.Equal(t, c.phase, h.Document().Status.Phase)
			verified := h.condition(integration.ConditionVerified)
			assert.Equal(t, c.status, verified.Status)
			assert.Equal(t, c.reason, verified.Reason)
		})
	}
}

// TestAPendingProofShows what it waits for from the end of propagation on, while it goes on; and what it has taught
// is kept.
func TestAPendingProofShows(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	lacking := diagnosis.New(diagnosis.CodeRoleMissing)
	shown := map[bool][]time.Duration{}
	began := h.Now()
	p := &prover{fakeKind: h.roof}
	p.prove = func(asked int) resource.Proof {
		isShown := h.condition(integration.ConditionVerified).Reason == lacking.Code
		shown[isShown] = append(shown[isShown], h.Now().Sub(began))
		return resource.Proof{Pending: asked < 20, Proved: asked == 20, Diagnosis: &lacking,
			Learn: func(st *integration.Status) { st.Left = []string{"learnt"} }}
	}
	h.service.Kinds = []resource.Kind{h.ground, h.walls, p, h.door}
	h.restart()
	d := h.provisioned(spec("images"))
	h.verified(d.Status.LastOperationID)
	assert.Less(t, shown[false][len(shown[false])-1], 11*time.Minute)
	assert.Greater(t, shown[true][0], 9*time.Minute)
	assert.Equal(t, []string{"learnt"}, h.Document().Status.Left)
	assert.Equal(t, integration.PhaseUsable, h.Document().Status.Phase)
}
