package operations

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/view"
)

// Selection is what both lists take.
type Selection struct {
	Status string `query:"status" enum:"NotStarted,Running,Succeeded,Failed,Canceled"`
	problem.Paging
}

// LongTags are the ends of tags that are too long for a line.
func (Selection) LongTags() map[string]string {
	return map[string]string{
		"Status": `doc:"Only operations in this status"`,
	}
}

type listInput struct {
	IntegrationID string `query:"integrationId" pattern:"^[a-z0-9](-?[a-z0-9])*$" minLength:"3" maxLength:"50"`
	Selection
}

// LongTags are the ends of tags that are too long for a line.
func (listInput) LongTags() map[string]string {
	return map[string]string{
		"IntegrationID": `patternDescription:"an integration id" doc:"Only operations on this integration, one that ` +
			`is gone included"`,
	}
}

type listOfOneInput struct {
	ID string `path:"id" doc:"Integration id" example:"my-service"`
	Selection
}

// ListPage is one page of operations.
type ListPage struct {
	Value      []view.Operation      `json:"value" nullable:"false"`
	Unreadable []UnreadableOperation `json:"unreadable,omitempty" nullable:"false"`
	NextLink   string                `json:"nextLink,omitempty" doc:"The next page; absent on the last one"`
}

// LongTags are the ends of tags that are too long for a line.
func (ListPage) LongTags() map[string]string {
	return map[string]string{
		"Unreadable": `doc:"Operations of this page whose record cannot be read, whatever was asked for; absent ` +
			`where there are none"`,
	}
}

// UnreadableOperation names an operation whose record cannot be read.
type UnreadableOperation struct {
	ID     string         `json:"id" doc:"Operation id, by the record's name"`
	Code   diagnosis.Code `json:"code" doc:"Diagnosis code" example:"operation-unreadable"`
	Detail string         `json:"detail" doc:"Which record it is, and what is wrong with it"`
}

type listOutput struct{ Body ListPage }

// failures are the statuses that the lists answer with, beside those of all operations.
var failures = []int{http.StatusServiceUnavailable, http.StatusGatewayTimeout}

func (f Function) registerList(api huma.API) {
	problem.Register(api, huma.Operation{
		OperationID: "listOperations", Method: http.MethodGet, Path: "/operations", Tags: []string{"operations"},
		Summary: "Operations, the newest first",
		Description: "Follow nextLink until it is absent. A record that cannot be read is named in unreadable and " +
			"hides no other. An operation is kept for 90 days after its end, or as long as the setting " +
			"OPERATION_RETENTION says; the last one of an integration that exists is kept.",
	}, failures, func(ctx context.Context, in *listInput) (*listOutput, error) {
		own := url.Values{}
		if in.IntegrationID != "" {
			own.Set("integrationId", in.IntegrationID)
		}
		return f.list(ctx, in.IntegrationID, in.Selection, "/operations", own)
	})
}

// RegisterOfIntegration adds the list of one integration's operations, whose path is below the integration's.
func (f Function) RegisterOfIntegration(api huma.API) {
	problem.Register(api, huma.Operation{
		OperationID: "listIntegrationOperations", Method: http.MethodGet, Path: "/integrations/{id}/operations",
		Tags:        []string{"operations"},
		Summary:     "Operations on an integration, the newest first",
		Description: "As GET /operations. The operations on an integration that was deleted are listed too.",
	}, append([]int{http.StatusNotFound}, failures...), f.listOfOne)
}

func (f Function) listOfOne(ctx context.Context, in *listOfOneInput) (*listOutput, error) {
	if err := problem.IntegrationID(ctx, in.ID); err != nil {
		return nil, err
	}
	_, err := f.Get(ctx, in.ID)
	switch {
	case errors.Is(err, integration.ErrNotFound):
		return nil, integration.Absent(nil)
	case err != nil && !integration.IsRefused(err): // what was done to it can be read all the same
		return nil, operation.StoreError(err)
	}
	return f.list(ctx, in.ID, in.Selection, "/integrations/"+in.ID+"/operations", url.Values{})
}

// list answers with a page. path and filters are those of the next one.
func (f Function) list(ctx context.Context, integrationID string, in Selection, path string,
	filters url.Values) (*listOutput, error) {
	page := ListPage{Value: []view.Operation{}}
	next, err := in.Fill(ctx, func(ctx context.Context, token string, limit int) (int, string, error) {
		read, err := f.List(ctx, operation.Listing{IntegrationID: integrationID, Token: token, Limit: limit})
		kept := 0
		for _, op := range read.Operations {
			if in.Status == "" || in.Status == string(op.Status) {
				page.Value = append(page.Value, view.OperationOf(op))
				kept++
			}
		}
		for _, bad := range read.Unreadable {
			page.Unreadable = append(page.Unreadable, UnreadableOperation{ID: bad.ID, Code: bad.Diagnosis.Code,
				Detail: bad.Diagnosis.Detail})
		}
		return kept, read.Next, operation.StoreError(err)
	})
	if err != nil {
		return nil, err
	}
	if in.Status != "" {
		filters.Set("status", in.Status)
	}
	page.NextLink = in.Link(f.BaseURL+path, filters, next)
	return &listOutput{Body: page}, nil
}
