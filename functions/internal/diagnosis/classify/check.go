package classify

import (
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
	return check.Compared(k.words.pair)
}
