package operation

import (
	"errors"
	"slices"
	"strconv"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// failures are the error that decides, and those that came beside it.
type failures struct {
	error
	beside []error
}

// Unwrap returns the error that decides.
func (f *failures) Unwrap() error { return f.error }

// Worst picks the error that decides: being superseded or ended by others, then what is final, then what may pass; of
// several such the root cause. The others go with it, to be told beside it.
func Worst(errs ...error) error {
	var all []error
	for _, err := range errs {
		var several *failures
		switch {
		case err == nil:
		case errors.As(err, &several):
			all = append(append(all, several.error), several.beside...)
		default:
			all = append(all, err)
		}
	}
	for _, stop := range []error{ErrSuperseded, ErrDone} {
		for _, err := range all {
			if errors.Is(err, stop) {
				return err
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	deciding, places := []error{}, []int{}
	for i, err := range all {
		if isFinal(err) {
			deciding, places = append(deciding, err), append(places, i)
		}
	}
	root := first(all)
	if len(deciding) > 0 {
		root = places[first(deciding)]
	}
	return &failures{all[root], slices.Delete(slices.Clone(all), root, root+1)}
}

// first is the index of the root cause among errors.
func first(errs []error) int {
	var checks []assessment.Check
	for i, err := range errs {
		checks = append(checks, checkOf(strconv.Itoa(i), Describe(err, false)))
	}
	i, _ := strconv.Atoi(assessment.Ordered(checks)[0].ID) // that is what they were named by
	return i
}

// checkOf is the check that ends as an error does. Nothing that an operation fails with is a pass.
func checkOf(id string, d diagnosis.Diagnosis) assessment.Check {
	check := assessment.CheckOf(id, d.Layer, d)
	if check.Status == diagnosis.OutcomeWarn {
		check.Status = diagnosis.OutcomeFail
	}
	return check
}

// causesOf are the root cause of an error, and the faults that came beside it and do not follow from it.
func causesOf(err error, propagated bool) diagnosis.Causes {
	root := Describe(err, propagated)
	causes := diagnosis.Causes{Diagnosis: &root}
	var several *failures
	if !errors.As(err, &several) {
		return causes
	}
	checks := []assessment.Check{checkOf("", root)}
	for _, other := range several.beside {
		checks = append(checks, checkOf("beside", Describe(other, propagated)))
	}
	for _, check := range assessment.Ordered(checks) {
		if check.ID != "" {
			causes.Also = append(causes.Also, check.Diagnosis())
		}
	}
	return causes
}
