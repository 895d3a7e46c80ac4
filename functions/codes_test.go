package functions

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

// TestTheDocumentListsCodesPerOperation: each refusal of each operation has the codes that it comes with, of that
// status. That no operation answers with another one is held wherever a test calls the app: see declared.
func TestTheDocumentListsCodesPerOperation(t *testing.T) {
	t.Parallel()
	lists := map[string]bool{}
	for path, item := range newApp(t, nil).document["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			for status, response := range op.(map[string]any)["responses"].(map[string]any) {
				content, _ := response.(map[string]any)["content"].(map[string]any)
				if content[problem.MediaType] == nil || status == "502" { // any code of a service
					continue
				}
				codes, _ := response.(map[string]any)["x-codes"].([]any)
				assert.NotEmpty(t, codes, "%s %s %s", method, path, status)
				list := ""
				for _, code := range codes {
					list += " " + code.(string)
					if status != "408" { // the same code as of a request that takes too long
						of := problem.StatusOf(diagnosis.Code(code.(string)))
						assert.Equal(t, status, strconv.Itoa(of), "%s %s", method, path)
					}
				}
				if status == "409" {
					lists[list] = true
				}
			}
		}
	}
	assert.Greater(t, len(lists), 6, "not one list for all")
	all := ""
	for list := range lists {
		all += list + " "
	}
	assert.Contains(t, all, " subject-bound ")
}
