package story

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/stack"
)

// sandbox is what is around the app: it shows and changes what there is by its control API, and by the doors that
// other programs have.
type sandbox struct {
	*stack.Stack
	t *testing.T
}

// control sends one request to the sandbox's control API.
func (s *sandbox) control(method, path string, body any) answer {
	s.t.Helper()
	got := send(s.t, method, s.ControlURL()+path, body)
	require.Less(s.t, got.Status, 300, "%s %s: %s", method, path, got.Raw)
	return got
}

// counts is how many objects of each kind the world holds.
type counts struct{ applications, servicePrincipals, credentials, assignments, deleted int }

// made counts what the app made: the sandbox's own principals and assignments are there from the start.
func (s *sandbox) made(before answer) counts {
	s.t.Helper()
	now := s.control(http.MethodGet, "/world", nil)
	grown := func(kind string) int {
		was, _ := before.at(kind).([]any)
		is, _ := now.at(kind).([]any)
		return len(is) - len(was)
	}
	return counts{
		applications: grown("applications"), servicePrincipals: grown("servicePrincipals"),
		credentials: grown("federatedIdentityCredentials"), assignments: grown("roleAssignments"),
		deleted: grown("deletedItems"),
	}
}

func (s *sandbox) account(name string) string {
	s.t.Helper()
	accounts, _ := s.control(http.MethodGet, "/world", nil).at("storageAccounts").([]any)
	for _, account := range accounts {
		if at(account, "name") == name {
			return at(account, "resourceId").(string)
		}
	}
	s.t.Fatalf("no storage account %s in the world", name)
	return ""
}

// blobs are the names of the blobs in a container.
func (s *sandbox) blobs(account, container string) []string {
	s.t.Helper()
	names := []string{}
	accounts, _ := s.control(http.MethodGet, "/world", nil).at("storageAccounts").([]any)
	for _, ac := range accounts {
		containers, _ := at(ac, "containers").([]any)
		for _, c := range containers {
			if at(ac, "name") != account || at(c, "name") != container {
				continue
			}
			found, _ := at(c, "blobs").([]any)
			for _, b := range found {
				names = append(names, at(b, "name").(string))
			}
		}
	}
	return names
}

// removeAssignments removes by hand the role assignments on a container.
func (s *sandbox) removeAssignments(container string) {
	s.t.Helper()
	assignments, _ := s.control(http.MethodGet, "/world", nil).at("roleAssignments").([]any)
	var removed int
	for _, r := range assignments {
		if strings.HasSuffix(at(r, "scope").(string), "/containers/"+container) {
			s.control(http.MethodDelete, "/objects/roleAssignments/"+at(r, "name").(string), nil)
			removed++
		}
	}
	require.Positive(s.t, removed)
}

// advance has the sandbox's delays run out, and what is scheduled become due, as if that time had passed.
func (s *sandbox) advance(by time.Duration) {
	s.t.Helper()
	s.control(http.MethodPost, "/advance", map[string]any{"by": by.String()})
}

// scheduled is how many messages of a queue wait for their time.
func (s *sandbox) scheduled(queue string) any {
	s.t.Helper()
	queues, _ := s.control(http.MethodGet, "/world", nil).at("queues").([]any)
	for _, q := range queues {
		if at(q, "name") == queue {
			return at(q, "scheduled")
		}
	}
	return nil
}
