package classify

import (
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"

	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// Check is the check that ends with an error: its code, status, words, remedy and evidence are those of the
// error's diagnosis. A nil error makes a pass.
func Check(id, layer, title string, err error, c diagnosis.Context) diagnosis.Check {
	if err == nil {
		return diagnosis.Check{ID: id, Layer: layer, Status: diagnosis.OutcomePass, Title: title, Target: c.Target}
	}
	k := causeOf(err, c)
	d := k.describe(c)
	check := diagnosis.CheckOf(id, layer, d)
	check.Target, check.Field = c.Target, k.words.field
	check.Expected, check.Actual = redact.Printable(k.words.expected), redact.Printable(k.words.actual)
	if check.Actual != "" && check.Expected != "" {
		check.DiffAt = diagnosis.Diff(check.Expected, check.Actual).At
	}
	return check
}
