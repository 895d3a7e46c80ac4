package classify

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// Answers are the numbers of Entra's token service and the codes of the other services that lead to an entry, for
// people.
func Answers(e diagnosis.Entry) []string {
	var all []string
	for _, n := range slices.Sorted(slices.Values(e.AADSTS)) {
		all = append(all, fmt.Sprintf("Entra ID: AADSTS%d", n))
	}
	for _, service := range []struct {
		name  string
		codes map[string]diagnosis.Code
	}{
		{nameOf(serviceGraph), graphCodes()}, {nameOf(serviceARM), armCodes()},
		{nameOf(serviceStorage), storageCodes()},
	} {
		for _, code := range slices.Sorted(maps.Keys(service.codes)) {
			if service.codes[code] == e.Code {
				all = append(all, service.name+": "+code)
			}
		}
	}
	return all
}
