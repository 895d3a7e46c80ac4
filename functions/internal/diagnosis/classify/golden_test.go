package classify

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

var update = flag.Bool("update", false, "write the golden file")

// The operations that the product asks these services for.
var operations = map[string][]string{
	"graph": {"application.create", "application.get", "application.holder.get", "application.update",
		"application.delete",
		"servicePrincipal.upsert", "servicePrincipal.get", "servicePrincipal.delete", "federatedCredential.upsert",
		"federatedCredential.list", "federatedCredential.delete", "deletedItem.restore", "deletedItem.purge"},
	"arm": {"rbac.put", "rbac.get", "rbac.list", "rbac.delete", "managedIdentity.put", "managedIdentity.get",
		"managedIdentity.delete", "managedCredential.put", "managedCredential.list", "managedCredential.delete"},
	"ddoe": {"ddoe.types.list", "ddoe.project.get", "ddoe.user.get", "ddoe.integration.create",
		"ddoe.integration.update", "ddoe.integration.delete", "ddoe.integration.list", "ddoe.integration.get",
		"ddoe.driver.create", "ddoe.driver.update", "ddoe.driver.delete", "ddoe.driver.test", "ddoe.driver.list",
		"ddoe.driver.get", "ddoe.driver.count", "ddoe.driver.validate", "subjectToken.get"},
	"storage": {"access.list"},
}

// statuses are those that mean something somewhere, and both sides of each bound.
var statuses = []int{400, 401, 402, 403, 404, 405, 408, 409, 412, 422, 424, 428, 429, 430, 499, 500, 502, 503}

// answersOf are the codes that a service's table knows, one that it does not know, and none.
func answersOf(service string) []string {
	table := map[string]map[string]diagnosis.Code{"graph": graphCodes(), "arm": armCodes(),
		"storage": storageCodes()}[service]
	all := append([]string{"", "Teapot"}, slices.Sorted(maps.Keys(table))...)
	if service == "ddoe" {
		all = append(all, "answer-invalid")
	}
	return all
}

// TestMeanings holds what every answer of every service to every operation comes to.
func TestMeanings(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, service := range slices.Sorted(maps.Keys(operations)) {
		for _, answer := range answersOf(service) {
			meanings := distinct{}
			for _, operation := range operations[service] {
				codes := distinct{}
				for _, status := range statuses {
					codes.add(meaning(service, answer, operation, status), fmt.Sprint(status))
				}
				meanings.add(codes.text(" <- ", "; "), operation)
			}
			fmt.Fprintf(&b, "%s %q\n\t%s\n", service, answer, meanings.text("\n\t\t", "\n\t"))
		}
	}
	assertGolden(t, "meanings.txt", b.String())
}

func meaning(service, answer, operation string, status int) string {
	var err error = &serviceFake{service, status, answer}
	if service == "storage" {
		err = response(status, answer, "a.blob.core.windows.net", "")
	}
	d := Error(err, diagnosis.Context{Operation: diagnosis.Operation(operation)})
	if d.Transient {
		return string(d.Code) + " (may pass)"
	}
	return string(d.Code)
}

// distinct are results, in order, each with all that has led to it.
type distinct []struct {
	result string
	from   []string
}

func (d *distinct) add(result, from string) {
	for i := range *d {
		if (*d)[i].result == result {
			(*d)[i].from = append((*d)[i].from, from)
			return
		}
	}
	*d = append(*d, struct {
		result string
		from   []string
	}{result, []string{from}})
}

func (d *distinct) text(arrow, separator string) string {
	var all []string
	for _, one := range *d {
		all = append(all, one.result+arrow+strings.Join(one.from, " "))
	}
	return strings.Join(all, separator)
}

// TestAnswersOfEveryEntry holds the answers that each entry of the catalogue names for people.
func TestAnswersOfEveryEntry(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, entry := range diagnosis.Entries() {
		if all := Answers(entry); len(all) > 0 {
			fmt.Fprintf(&b, "%s: %s\n", entry.Code, strings.Join(all, "; "))
		}
	}
	assertGolden(t, "answers.txt", b.String())
}

func assertGolden(t *testing.T, name, got string) {
	t.Helper()
	golden := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}
