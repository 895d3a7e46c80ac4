package policy

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

func TestAbsence(t *testing.T) {
	t.Parallel()
	answer := func(service string, status int, code string) error {
		return &answered{service: service, status: status, code: code}
	}
	for name, c := range map[string]struct {
		op                  Operation
		err                 error
		isNotThere, unknown bool
	}{
		"an application":               {ApplicationGet, answer(serviceGraph, 404, "Any"), true, true},
		"an assignment":                {RoleGet, answer(serviceARM, 404, "RoleAssignmentNotFound"), true, true},
		"a driver":                     {DriverGet, answer(serviceDDOE, 404, ""), true, true},
		"a delete":                     {DriverDelete, answer(serviceDDOE, 404, ""), true, true},
		"an answer without operation":  {"", answer(serviceDDOE, 404, ""), true, true},
		"an id that cannot be read":    {PlatformProjectGet, answer(serviceDDOE, 400, ""), false, true},
		"a driver that is not shown":   {DriverGet, answer(serviceDDOE, 403, ""), false, true},
		"a web page for an object":     {DriverGet, answer(serviceDDOE, 404, codeAnswerInvalid), false, false},
		"a web page that forbids":      {DriverList, answer(serviceDDOE, 403, codeAnswerInvalid), false, false},
		"a write that is forbidden":    {DriverUpdate, answer(serviceDDOE, 403, ""), false, false},
		"a stale token":                {DriverGet, answer(serviceDDOE, 401, ""), false, false},
		"Graph forbids":                {ApplicationGet, answer(serviceGraph, 403, ""), false, false},
		"Azure finds the request odd":  {RoleGet, answer(serviceARM, 400, ""), false, false},
		"an account that is gone, 410": {AccountGet, answer(serviceARM, 410, ""), false, false},
		"a fault":                      {ApplicationGet, answer(serviceGraph, 500, ""), false, false},
		"no answer":                    {ApplicationGet, errors.New("reset"), false, false},
		"no error":                     {ApplicationGet, nil, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.isNotThere, IsNotThere(c.op, c.err))
			assert.Equal(t, c.unknown, IsUnknown(c.op, c.err))
			if c.err != nil {
				failed := fmt.Errorf("wrapped: %w", Fail(c.op, diagnosis.Context{}, c.err))
				assert.Equal(t, c.op, OperationOf(failed))
				assert.Equal(t, c.isNotThere, IsNotThere(OperationOf(failed), failed))
				assert.Empty(t, OperationOf(c.err))
			}
		})
	}
	for _, r := range absenceRows() {
		op, err := r.example()
		assert.Equal(t, r.Action, absence(op, err), r)
		assert.NotEmpty(t, r.source)
	}
}
