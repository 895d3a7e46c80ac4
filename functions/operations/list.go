package operations

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/view"
)

// maxReads bounds how many pages of the store one request reads when a filter leaves little of each.
const maxReads = 10

// Paging is what both lists take.
type Paging struct {
	Status   string `query:"status" enum:"NotStarted,Running,Succeeded,Failed,Canceled"`
	PageSize int    `query:"pageSize" minimum:"1" maximum:"1000" default:"100"`
	Token    string `query:"continuationToken" doc:"From nextLink"`
}

// LongTags are the ends of tags that are too long for a line.
func (Paging) LongTags() map[string]string {
	return map[string]string{
		"Status":   `doc:"Only operations in this status"`,
		"PageSize": `doc:"At most so many; a page may hold fewer, even none, and still have a nextLink"`,
	}
}

type listInput struct {
	IntegrationID string `query:"integrationId" pattern:"^[a-z0-9](-?[a-z0-9])*$" minLength:"3" maxLength:"50"`
	Paging
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
	Paging
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
		return f.list(ctx, in.IntegrationID, in.Paging, "/operations", own)
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
	return f.list(ctx, in.ID, in.Paging, "/integrations/"+in.ID+"/operations", url.Values{})
}

func foreignToken() *problem.Problem {
	return problem.New(http.StatusBadRequest, diagnosis.CodeInvalidContinuationToken,
		"The continuation token was not made here.")
}

// list answers with a page. path and query are those of the next one, its paging aside.
func (f Function) list(ctx context.Context, integrationID string, in Paging, path string,
	query url.Values) (*listOutput, error) {
	token, err := base64.RawURLEncoding.DecodeString(in.Token)
	if err != nil {
		return nil, foreignToken()
	}
	page := ListPage{Value: []view.Operation{}}
	next := string(token)
	for range maxReads {
		// Asking for what is still missing, never more, keeps the store's token at the page's end.
		read, err := f.List(ctx, operation.Listing{IntegrationID: integrationID, Token: next,
			Limit: in.PageSize - len(page.Value)})
		if errors.Is(err, integration.ErrInvalidToken) {
			return nil, foreignToken()
		}
		if err != nil {
			return nil, operation.StoreError(err)
		}
		for _, op := range read.Operations {
			if in.Status == "" || in.Status == string(op.Status) {
				page.Value = append(page.Value, view.OperationOf(op))
			}
		}
		for _, bad := range read.Unreadable {
			page.Unreadable = append(page.Unreadable, UnreadableOperation{ID: bad.ID, Code: bad.Diagnosis.Code,
				Detail: bad.Diagnosis.Detail})
		}
		if next = read.Next; next == "" || len(page.Value) == in.PageSize {
			break
		}
	}
	if next != "" {
		query.Set("pageSize", strconv.Itoa(in.PageSize))
		query.Set("continuationToken", base64.RawURLEncoding.EncodeToString([]byte(next)))
		if in.Status != "" {
			query.Set("status", in.Status)
		}
		page.NextLink = f.BaseURL + path + "?" + query.Encode()
	}
	return &listOutput{Body: page}, nil
}
