package provision

import (
	"context"
	"errors"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// accessTest runs an access test and keeps its report as the operation's result. The operation succeeds whatever the
// report's verdict is: the test was made.
func (s *Service) accessTest(ctx context.Context, cmd message.Command) error {
	a, err := s.begin(ctx, cmd)
	if err != nil {
		return err
	}
	if err := admitAccessTest(&a.Document); err != nil {
		return err
	}
	if !s.verifies() {
		return refuse("subject-token-unavailable")
	}
	report, err := s.test(ctx, a.Document, access.Mode(cmd.Mode), integration.Access(cmd.Access))
	if err != nil {
		return tokenFailure(err)
	}
	r := &run{Service: s, cmd: cmd, document: a.Document}
	return r.succeed(ctx, report)
}

// tokenFailure decides by the platform's answer whether asking again for a subject token may help.
func tokenFailure(err error) error {
	var known *diagnosis.Error
	if errors.As(err, &known) && known.Diagnosis.Transient {
		return &failure{operation: opSubjectToken, reaction: later, err: err}
	}
	return &failure{operation: opSubjectToken, reaction: fail, err: err}
}
