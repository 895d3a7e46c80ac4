package inspect

import (
	"context"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/view"
)

type listInput struct {
	State  string `query:"state" enum:"pending,provisioning,provisioned,usable,failed,deprovisioning,deleted"`
	Health string `query:"health" enum:"healthy,degraded,unhealthy,unknown"`
	Filters
	problem.Paging
}

// LongTags are the ends of tags that are too long for a line.
func (listInput) LongTags() map[string]string {
	return map[string]string{
		"State":  `doc:"Only integrations in this phase; deleted ones are listed only if asked for"`,
		"Health": `doc:"Only integrations in this health state"`,
	}
}

// Page is one page of the list.
type Page struct {
	Value      []view.Document `json:"value" nullable:"false"`
	Unreadable []Unreadable    `json:"unreadable,omitempty" nullable:"false"`
	NextLink   string          `json:"nextLink,omitempty" doc:"The next page; absent on the last one"`
}

// LongTags are the ends of tags that are too long for a line.
func (Page) LongTags() map[string]string {
	return map[string]string{
		"Unreadable": `doc:"Integrations of this page whose record cannot be read, whatever was asked for; absent ` +
			`where there are none"`,
	}
}

// Unreadable names an integration whose record cannot be read.
type Unreadable struct {
	ID     string         `json:"id" doc:"Integration id, by the record's name" example:"my-service"`
	Code   diagnosis.Code `json:"code" example:"record-unreadable"`
	Detail string         `json:"detail" doc:"Which record it is, and what is wrong with it"`
}

// LongTags are the ends of tags that are too long for a line.
func (Unreadable) LongTags() map[string]string {
	return map[string]string{
		"Code": `doc:"Diagnosis code; GET /integrations/{id} says what to do"`,
	}
}

type listOutput struct{ Body Page }

func (f Function) registerList(api huma.API) {
	problem.Register(api, huma.Operation{
		OperationID: "listIntegrations", Method: http.MethodGet, Path: "/integrations", Tags: []string{"integrations"},
		Summary: "All integrations",
		Description: "In the order of their ids. Follow nextLink until it is absent. " +
			"A record that cannot be read is named in unreadable and hides no other.",
	}, []int{http.StatusBadRequest, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout}, f.list)
}

func (f Function) list(ctx context.Context, in *listInput) (*listOutput, error) {
	if faults := in.faults(); len(faults) > 0 {
		return nil, problem.New(http.StatusBadRequest, faults[0].Code, faults[0].Detail, faults...)
	}
	page := Page{Value: []view.Document{}}
	next, err := in.Fill(ctx, func(ctx context.Context, token string, limit int) (int, string, error) {
		read, err := f.List(ctx, token, limit)
		kept := 0
		for _, document := range read.Documents {
			if in.isMatch(document) {
				page.Value = append(page.Value, view.DocumentOf(document))
				kept++
			}
		}
		for _, bad := range read.Unreadable {
			page.Unreadable = append(page.Unreadable, Unreadable{ID: bad.ID, Code: bad.Diagnosis.Code,
				Detail: bad.Diagnosis.Detail})
		}
		return kept, read.Next, operation.StoreError(err)
	})
	if err != nil {
		return nil, err
	}
	page.NextLink = in.Link(f.BaseURL+"/integrations", in.filters(), next)
	return &listOutput{Body: page}, nil
}

func (in *listInput) isMatch(d integration.Document) bool {
	health := integration.HealthUnknown // before the first check
	if d.Status.Health != nil {
		health = d.Status.Health.State
	}
	if in.Health != "" && in.Health != string(health) || !in.isFiltered(d) {
		return false
	}
	if in.State == "" && in.Phase == "" {
		return d.Status.Phase != integration.PhaseDeleted
	}
	return in.State == "" || in.State == string(d.Status.Phase)
}

// filters are those of the request, for the next page.
func (in *listInput) filters() url.Values {
	q := url.Values{}
	if in.State != "" {
		q.Set("state", in.State)
	}
	if in.Health != "" {
		q.Set("health", in.Health)
	}
	in.add(q)
	return q
}
