package operation

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// TestWorst: what decides, and what is told beside it.
func TestWorst(t *testing.T) {
	t.Parallel()
	coded := func(code diagnosis.Code) error { return &diagnosis.Error{Diagnosis: diagnosis.New(code)} }
	late, file, locked := coded(diagnosis.CodeDirectoryBusy), coded(diagnosis.CodeInvalidIdentity),
		coded(diagnosis.CodeScopeLocked)
	odd, busy := coded(diagnosis.CodeARMUnrecognised), coded(diagnosis.CodeARMUnavailable)
	both := func(first, second error) error { return fmt.Errorf("%w, %w", first, second) }
	for name, c := range map[string]struct {
		errs []error
		want error
		also []diagnosis.Code
	}{
		"none":                      {[]error{nil, nil}, nil, nil},
		"one":                       {[]error{nil, busy}, busy, nil},
		"the earlier layer, behind": {[]error{locked, file}, file, []diagnosis.Code{"scope-locked"}},
		"what is final, though it proves nothing": {[]error{late, odd}, odd,
			[]diagnosis.Code{"directory-busy"}},
		"nothing is final": {[]error{busy, late}, late, []diagnosis.Code{"arm-unavailable"}},
		"the same twice":   {[]error{locked, coded(diagnosis.CodeScopeLocked)}, locked, nil},
		"those of two": {[]error{Worst(locked, busy), file}, file,
			[]diagnosis.Code{"scope-locked", "arm-unavailable"}},
		"superseded":        {[]error{locked, both(ErrSuperseded, busy)}, ErrSuperseded, nil},
		"ended by others":   {[]error{locked, ErrDone}, ErrDone, nil},
		"superseded, ended": {[]error{ErrDone, ErrSuperseded}, ErrSuperseded, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := Worst(c.errs...)
			if c.want == nil {
				assert.NoError(t, found)
				return
			}
			assert.ErrorIs(t, found, c.want)
			if errors.Is(c.want, ErrSuperseded) || errors.Is(c.want, ErrDone) {
				return
			}
			causes := causesOf(found, false)
			assert.Equal(t, Describe(c.want, false), *causes.Diagnosis)
			var also []diagnosis.Code
			for _, d := range causes.Also {
				also = append(also, d.Code)
			}
			assert.Equal(t, c.also, also)
		})
	}
}
