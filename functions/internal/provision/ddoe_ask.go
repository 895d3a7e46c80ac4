package provision

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// askPlatform sends one request to the platform, again as the table says, and gives its refusal words.
func (r *run) askPlatform(ctx context.Context, operation policy.Operation, request func(ctx context.Context) error) error {
	err := r.try(ctx, operation, r.words(), request)
	var f *policy.Failure
	if !errors.As(err, &f) {
		return err
	}
	var refused *ddoe.Error
	if !errors.As(f.Err, &refused) {
		return f
	}
	found := r.platformDiagnosis(ctx, operation, r.object(operation, refused), refused)
	// The client itself repeats the faults beyond 500.
	if isTest(operation) && f.Decision.Action == policy.RetryLater && (f.Spent || refused.HTTPStatus() > http.StatusInternalServerError) {
		found = r.testRefused(ctx, f, refused, found)
	}
	f.Err = &diagnosis.Error{Diagnosis: found, Err: f.Err}
	return f
}

// ask is askPlatform for a request that answers with a value; after an error the value is what the request returned.
func ask[T any](ctx context.Context, r *run, operation policy.Operation, request func(ctx context.Context) (T, error)) (T, error) {
	var answer T
	err := r.askPlatform(ctx, operation, func(ctx context.Context) error {
		var err error
		answer, err = request(ctx)
		return err
	})
	return answer, err
}

// answeredWith reports whether the platform answered with one of the statuses.
func answeredWith(err error, statuses ...int) bool {
	var refused *ddoe.Error
	return errors.As(err, &refused) && slices.Contains(statuses, refused.HTTPStatus())
}

// believed reports whether a test of the storage that an invocation has tried as often as it may has failed for good. What
// may be a role is believed now: a person has to look. What may be the storage's is believed when the clocks of Azure have
// run out. A fault of the platform is believed then if it is the test's alone, and the platform answers otherwise.
func (r *run) believed(ctx context.Context, refused *ddoe.Error) bool {
	switch {
	case roleRefused(refused):
		return true
	case !r.settledFor(r.attempt, verifyWindow):
		return false
	case refused.HTTPStatus() >= http.StatusInternalServerError:
		return r.keyAccepted(ctx)
	}
	return true
}

// settledFor reports whether so much time has passed since an operation's newest write in Azure that access depends on,
// the beginning of the operation being the latest that an earlier one can have written. Attempts say nothing of that: they
// may have been spent before the write. What cannot be read counts as fresh.
func (s *Service) settledFor(a *operation.Attempt, patience time.Duration) bool {
	op := a.Operation()
	if op.ETag == "" {
		return false
	}
	newest := op.CreatedAt
	for _, step := range op.Steps {
		ended := step.At.Add(time.Duration(step.DurationMS) * time.Millisecond)
		inAzure := slices.Contains([]string{"application", "servicePrincipal", "federatedCredential", "roleAssignment"}, step.Name)
		if inAzure && telling(step) && ended.After(newest) {
			newest = ended
		}
	}
	return s.now().Sub(newest) >= patience
}

// platformClient is the client for all that is about one integration: the platform knows its options, and no answer shows the
// file that they may hold. Literals are hidden anyway; the other options are no secret.
func (s *Service) platformClient(d integration.Document) *ddoe.Client {
	file, err := madeFile(d)
	if err != nil { // nothing has been made that an option could hold
		return s.Platform.Hiding()
	}
	return s.Platform.Hiding(secret.New(string(file)))
}

// client is the client for the run's integration, as it is now.
func (r *run) client() *ddoe.Client { return r.platformClient(r.current()) }

// keyAccepted reports whether the platform says whose key it is: what else it answers is then not about the key. Without an
// answer soon that is not known. Of the answer nothing is shown.
func (s *Service) keyAccepted(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	_, err := s.Platform.Hiding().Me(ctx)
	return err == nil
}

// roleStatuses are the answers of a missing role; a platform that hands on what Entra or the storage said may give them
// for those too.
func roleStatuses() []int { return []int{http.StatusUnauthorized, http.StatusForbidden} }

// roleRefused reports whether the answer is that of a missing role.
func roleRefused(err error) bool { return answeredWith(err, roleStatuses()...) }

// contentStatuses are the answers that are about what was asked, not about who asks: to a test, about the storage.
func contentStatuses() []int {
	return []int{http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusFailedDependency}
}

// storageRefused reports whether the platform's answer to a test is about the storage.
func storageRefused(err error) bool { return answeredWith(err, contentStatuses()...) }

// isTest reports whether an operation is the platform's test of the storage, of a driver or of what is to be one.
func isTest(operation policy.Operation) bool {
	return operation == policy.DriverTest || operation == policy.PayloadTest
}

// platformDiagnosis is a refusal of the platform in words; object names what the request was about, and may be empty. The
// platform has no codes: what it says is shown to people, and decides nothing.
func (s *Service) platformDiagnosis(ctx context.Context, operation policy.Operation, object string, refused *ddoe.Error) diagnosis.Diagnosis {
	code := meaningOf(operation, refused)
	// The platform answers 401 for a role too. Who may ask who they are has a good key.
	if code == "" && refused.HTTPStatus() == http.StatusUnauthorized && operation != policy.PlatformUserGet && s.keyAccepted(ctx) {
		code = roleMissing(operation)
	}
	found := diagnosis.Classify(refused, diagnosis.Context{Operation: string(operation)})
	if code != "" {
		found = diagnosis.New(code, diagnosis.WithEvidence(*found.Evidence))
	}
	if writes(operation) && policy.IsRefusal(refused) || found.Code == diagnosis.CodeDDOEUnrecognised {
		found.Detail = "The platform refused to " + inWordsOf(operation, object) + ". " + found.Detail
	}
	switch {
	case isTest(operation) && code == roleMissing(operation):
		found.Detail += " Or the storage refused the platform, which hands that on: a federated credential or a role assignment takes minutes to act; then the same PUT goes through."
	case code == diagnosis.CodeDDOEDriverTestFailed:
		found.Remedy.Steps = s.alsoOptions(found.Remedy.Steps)
	}
	return quoting(found, refused)
}

// describePlatform gives the error of a request to the platform its words.
func (s *Service) describePlatform(ctx context.Context, operation policy.Operation, err error) diagnosis.Diagnosis {
	var refused *ddoe.Error
	if errors.As(err, &refused) {
		return s.platformDiagnosis(ctx, operation, "", refused)
	}
	return diagnosis.Classify(err, diagnosis.Context{Operation: string(operation)})
}

// quoting adds what the platform said.
func quoting(found diagnosis.Diagnosis, refused *ddoe.Error) diagnosis.Diagnosis {
	found.Detail += says(refused.ServiceMessage())
	return found
}

// says is what the platform said, as a sentence with a blank before it: another one may follow. It is empty where the platform
// said nothing.
func says(message string) string {
	text := diagnosis.Printable(strings.TrimSpace(message))
	if text == "" {
		return ""
	}
	if last, _ := utf8.DecodeLastRuneInString(text); !strings.ContainsRune(".!?…", last) {
		text += "."
	}
	return " The platform says: " + text
}

func roleMissing(operation policy.Operation) diagnosis.Code {
	if operation.IsOnDriver() {
		return diagnosis.CodeDDOEProjectRoleMissing
	}
	return diagnosis.CodeDDOEOrganizationRoleMissing
}
