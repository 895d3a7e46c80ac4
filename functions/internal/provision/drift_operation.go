package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

// lastOperation is the operation that the document is from; nil where there is no record of it that can be read. It is
// read before what a report compares: one that ends meanwhile still counts as running. A store that does not answer is
// an error: an operation may run, and what would be judged is its unfinished work.
func (s *Service) lastOperation(ctx context.Context, d integration.Document) (*integration.Operation, error) {
	last, err := s.Repository.GetOperation(ctx, d.Status.LastOperationID)
	switch {
	case errors.Is(err, integration.ErrNotFound) || integration.IsRefused(err):
		return nil, nil //nolint:nilnil // no record is no error
	case err != nil:
		return nil, operation.StoreError(err)
	}
	return &last, nil
}

// whileRunning takes back the judgement of differences, and the remedies with it: most are another PUT, which would
// supersede the operation and begin again. What was not read is unknown already, and has a cause of its own.
func whileRunning(op integration.Operation, checks []assessment.Check) {
	for i, check := range checks {
		if check.Status != diagnosis.OutcomeFail && check.Status != diagnosis.OutcomeWarn {
			continue
		}
		checks[i].Status, checks[i].Transient = diagnosis.OutcomeUnknown, true
		checks[i].Detail = strings.TrimSpace(running(op) + " " + check.Detail)
		checks[i].Remedy = &diagnosis.Remedy{Who: diagnosis.WhoCaller, Steps: []string{
			"Wait for the end of the operation, and send it no other request meanwhile: GET /api/operations/" + op.ID +
				" says how far it is.",
			"Then ask for this report again.",
		}}
	}
}

// running states for people that an operation has not ended, and what it waits for.
func running(op integration.Operation) string {
	text := fmt.Sprintf("The operation %s still runs; this may be what it has not come to yet.", op.ID)
	if w := op.Waiting; w != nil {
		text += fmt.Sprintf(" It waits: %s (%s). It is tried again from %s on.", w.Title, w.Code,
			w.NextAttemptAt.UTC().Format(time.RFC3339))
	}
	return text
}
