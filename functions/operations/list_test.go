package operations_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
	"github.com/ddoe-ai/azure-wif/functions/operations"
)

func TestTheListsAreTheDocumented(t *testing.T) {
	problemtest.RequireDocumented(t, operations.Function{}.RegisterOfIntegration)
}

// paged serves operations op-9 to op-0, the even ones failed and op-5 unreadable.
func paged(asked *[]operation.Listing) *problemtest.Edge {
	f := operations.Function{BaseURL: "https://host/api",
		Get: func(_ context.Context, id string) (integration.Document, error) {
			switch id {
			case "absent":
				return integration.Document{}, integration.ErrNotFound
			case "unreadable":
				return integration.Document{}, integration.ErrUnreadable
			case "down":
				return integration.Document{}, errors.New("down")
			}
			return integration.Document{ID: id}, nil
		},
		List: func(_ context.Context, l operation.Listing) (operation.Page, error) {
			*asked = append(*asked, l)
			at := 9
			if l.Token != "" {
				if _, err := fmt.Sscanf(l.Token, "at-%d", &at); err != nil {
					return operation.Page{}, integration.ErrInvalidToken
				}
			}
			page := operation.Page{}
			for ; at >= 0 && l.Limit > 0; at-- {
				l.Limit--
				if at == 5 {
					page.Unreadable = append(page.Unreadable, integration.Unreadable{ID: "op-5",
						Diagnosis: diagnosis.New(diagnosis.CodeOperationUnreadable)})
					continue
				}
				status := integration.OperationSucceeded
				if at%2 == 0 {
					status = integration.OperationFailed
				}
				page.Operations = append(page.Operations, integration.Operation{ID: fmt.Sprintf("op-%d", at),
					Status: status})
			}
			if at >= 0 {
				page.Next = fmt.Sprintf("at-%d", at)
			}
			return page, nil
		}}
	return problemtest.Serve(func(api huma.API) {
		f.Register(api)
		f.RegisterOfIntegration(api)
	})
}

// TestPagesOfOperations: following nextLink shows each once, with the filters of the first request.
func TestPagesOfOperations(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/operations": "op-9 op-8 op-7 op-6 op-4 op-3 op-2 op-1 op-0",
		"/operations?integrationId=my-images&status=Failed&pageSize=1": "op-8 op-6 op-4 op-2 op-0",
		"/operations?status=Running&pageSize=1":                        "",
		"/integrations/my-images/operations?pageSize=4":                "op-9 op-8 op-7 op-6 op-4 op-3 op-2 op-1 op-0",
		"/integrations/unreadable/operations?status=Succeeded":         "op-9 op-7 op-3 op-1",
	} {
		asked := []operation.Listing{}
		edge := paged(&asked)
		got, unreadable := []string{}, 0
		start, _, _ := strings.Cut(path, "?")
		for next := path; next != ""; {
			answer := edge.Call(t, "GET", next, "")
			require.Equal(t, 200, answer.Status, answer.Raw)
			for _, op := range answer.Body["value"].([]any) {
				got = append(got, op.(map[string]any)["id"].(string))
			}
			if named, ok := answer.Body["unreadable"].([]any); ok {
				unreadable += len(named)
				assert.Equal(t, "operation-unreadable", named[0].(map[string]any)["code"])
			}
			link, _ := answer.Body["nextLink"].(string)
			require.True(t, link == "" || strings.HasPrefix(link, "https://host/api"+start+"?"), link)
			next = strings.TrimPrefix(link, "https://host/api")
		}
		assert.Equal(t, want, strings.Join(got, " "), path)
		assert.Equal(t, 1, unreadable, path)
		for _, l := range asked {
			of := "my-images"
			if start == "/integrations/unreadable/operations" {
				of = "unreadable"
			} else if !strings.Contains(path, of) {
				of = ""
			}
			assert.Equal(t, of, l.IntegrationID, path)
		}
	}
}

func TestListsThatAreRefused(t *testing.T) {
	t.Parallel()
	for path, code := range map[string]string{
		"/operations?continuationToken=!":                          "invalid-continuation-token",
		"/operations?continuationToken=eHg":                        "invalid-continuation-token",
		"/operations?integrationId=NO":                             "invalid-parameter",
		"/operations?status=failed":                                "invalid-parameter",
		"/integrations/NO/operations":                              "invalid-id",
		"/integrations/absent/operations":                          "integration-not-found",
		"/integrations/down/operations":                            "store-unavailable",
		"/integrations/my-images/operations?integrationId=another": "invalid-parameter",
	} {
		asked := []operation.Listing{}
		assert.Equal(t, code, paged(&asked).Call(t, "GET", path, "").Body["code"], path)
	}
}
