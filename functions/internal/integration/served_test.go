package integration_test

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// fill gives every member of a struct that takes part in JSON a value, and returns the names of those that the API document
// hides.
func fill(v reflect.Value) []string {
	var hidden []string
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fill(v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return nil
		}
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			if name == "-" {
				continue
			}
			if v.Type().Field(i).Tag.Get("hidden") == "true" {
				hidden = append(hidden, name)
			}
			hidden = append(hidden, fill(v.Field(i))...)
		}
	case reflect.String:
		v.SetString("x")
	}
	return hidden
}

// TestServed: what the API document hides does not leave the service, and the rest stays.
func TestServed(t *testing.T) {
	var d integration.Document
	var o integration.Operation
	for name, c := range map[string]struct {
		value  reflect.Value
		hidden []string
		served func() any
	}{
		"document":  {reflect.ValueOf(&d).Elem(), []string{"optionsHash", "createSentAt"}, func() any { return d.Served() }},
		"operation": {reflect.ValueOf(&o).Elem(), []string{"requestHash"}, func() any { return o.Served() }},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.hidden, fill(c.value))
			stored, err := json.Marshal(c.value.Interface())
			require.NoError(t, err)
			without := string(stored)
			for _, hidden := range c.hidden {
				member := regexp.MustCompile(`,"` + hidden + `":"[^"]*"`)
				require.Regexp(t, member, without, "it is stored")
				without = member.ReplaceAllString(without, "")
			}
			served, err := json.Marshal(c.served())
			require.NoError(t, err)
			assert.JSONEq(t, without, string(served))
		})
	}
	assert.Equal(t, "x", d.Status.DDOE.OptionsHash, "the document itself is as it was")
	assert.Equal(t, integration.Document{ID: "i"}, integration.Document{ID: "i"}.Served())
}
