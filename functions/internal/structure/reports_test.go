package structure_test

import (
	"flag"
	"slices"
	"strings"
	"testing"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/reporttest"
)

var update = flag.Bool("update", false, "rewrite testdata/reports.txt")

// TestReportsAreToldWhole has a report for each row of the table of faults.
func TestReportsAreToldWhole(t *testing.T) {
	t.Parallel()
	reports := map[string]assessment.Report{"nothing is wrong": newSetup(t).judge()}
	for name, f := range faults() {
		s := newSetup(t)
		f.make(s)
		reports[name] = s.judge()
	}
	for name, r := range reports {
		r.Checks = slices.DeleteFunc(r.Checks, func(c assessment.Check) bool { // discovery's tests hold these
			return c.Layer == "discovery" && c.Status == diagnosis.OutcomePass
		})
		reports[name] = r
	}
	reporttest.Hold(t, "testdata/reports.txt", *update, strings.NewReplacer(), reports)
}
