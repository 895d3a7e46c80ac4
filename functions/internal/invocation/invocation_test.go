package invocation_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
)

// TestEachMemberHasItsAttribute, and no other's.
func TestEachMemberHasItsAttribute(t *testing.T) {
	t.Parallel()
	ctx, record := invocation.With(t.Context())
	for name, set := range map[string]func(r *invocation.Record){
		"function":      func(r *invocation.Record) { r.SetFunction("function") },
		"caller":        func(r *invocation.Record) { r.SetCaller("caller") },
		"integrationId": func(r *invocation.Record) { r.SetIntegration("integrationId") },
		"operationId":   func(r *invocation.Record) { r.SetOperation("operationId") },
		"code":          func(r *invocation.Record) { r.SetCode(diagnosis.Code("code")) },
		"error":         func(r *invocation.Record) { r.SetError(errors.New("error")) },
	} {
		alone, other := invocation.With(t.Context())
		set(invocation.From(alone))
		set(invocation.From(ctx))
		for _, a := range other.Attributes() {
			want := ""
			if a.Key == name {
				want = name
			}
			assert.Equal(t, want, a.Value.String(), a.Key)
		}
	}
	var keys []string
	for _, a := range record.Attributes() {
		assert.Equal(t, slog.StringValue(a.Key), a.Value)
		keys = append(keys, a.Key)
	}
	assert.Equal(t, []string{"function", "caller", "integrationId", "operationId", "code", "error"}, keys)
	integration, operation, code := record.Values()
	assert.Equal(t, []string{"integrationId", "operationId", "code"}, []string{integration, operation, code})
}

// TestTheLastErrorStays: what is learnt later counts, and nil is nothing to learn.
func TestTheLastErrorStays(t *testing.T) {
	t.Parallel()
	_, record := invocation.With(t.Context())
	record.SetError(errors.New("first"))
	record.SetError(errors.New("last"))
	record.SetError(nil)
	assert.Equal(t, "last", record.Attributes()[5].Value.String())
}

// TestWithoutARecordNothingIsKept: code that notes something need not know who listens.
func TestWithoutARecordNothingIsKept(t *testing.T) {
	t.Parallel()
	invocation.From(context.Background()).SetIntegration("a")
	id, _, _ := invocation.From(context.Background()).Values()
	assert.Empty(t, id)
	ctx, record := invocation.With(context.Background())
	invocation.From(ctx).SetIntegration("b")
	id, _, _ = record.Values()
	assert.Equal(t, "b", id)
}
