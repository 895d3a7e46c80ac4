package discovery_test

import (
	"flag"
	"strings"
	"testing"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/reporttest"
)

var update = flag.Bool("update", false, "rewrite testdata/reports.txt")

// TestReportsAreToldWhole has a report for each row of the tables of faults.
func TestReportsAreToldWhole(t *testing.T) {
	t.Parallel()
	reports := map[string]assessment.Report{"nothing is wrong": newInternet(t).look(t, nil, "")}
	for name, f := range documentFaults {
		i := newInternet(t)
		i.edit(documentPath, func(d map[string]any) { d[f.member] = f.value })
		reports["document: "+name] = i.look(t, nil, "")
	}
	for name, f := range keyFaults {
		i := newInternet(t)
		i.edit(keysPath, func(d map[string]any) {
			good := d["keys"].([]any)[0]
			bad := copyOf(good, "bad")
			f.change(bad)
			d["keys"] = []any{good, bad}
		})
		reports["key: "+name] = i.look(t, nil, "")
	}
	i := newInternet(t)
	i.edit(keysPath, func(d map[string]any) {
		keys := d["keys"].([]any)
		for len(keys) < 101 {
			keys = append(keys, keys[0])
		}
		d["keys"] = keys
	})
	reports["keys: too many"] = i.look(t, nil, "")
	for name, a := range accounts {
		i := newInternet(t)
		if a.arrange != nil {
			a.arrange(i)
		}
		reports["account: "+name] = i.look(t, nil, a.account)
	}
	for name, tenant := range map[string]string{"nobody's": nobody, "another cloud's": govTenant,
		"a domain": "nobody.example", "the client's": clientID} {
		reports["tenant: "+name] = newInternet(t).look(t, map[string]string{"tenantId": tenant}, "")
	}
	reporttest.Hold(t, "testdata/reports.txt", *update, strings.NewReplacer(), reports)
}
