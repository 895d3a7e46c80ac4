package classify

import (
	"cmp"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// Check is the check that ends with an error: its code, status, words, remedy and evidence are those of the
// error's diagnosis. A nil error makes a pass.
func Check(id, layer, title string, err error, c diagnosis.Context) assessment.Check {
	if err == nil {
		return assessment.Check{ID: id, Layer: layer, Status: diagnosis.OutcomePass, Title: title, Target: c.Target}
	}
	k := causeOf(err, c)
	d := k.describe(c)
	check := assessment.CheckOf(id, layer, d)
	check.Target, check.Field = c.Target, k.words.field
	if e, _ := diagnosis.Lookup(d.Code); e.IfThere != "" {
		there := diagnosis.New(e.IfThere, diagnosis.WithContext(c))
		check.Bearing = assessment.Bearing{About: cmp.Or(c.Scope, c.Subject), IfThere: &there}
	}
	return check.Compared(k.words.pair)
}
