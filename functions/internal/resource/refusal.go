package resource

import (
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// suspects are, by the layer of a refusal, the kinds that have to be in place where nothing is refused, the nearest
// one last.
func suspects(layer string) []string {
	switch layer {
	case "exchange":
		return []string{Identity, FederatedCredential}
	case "list", "read", "write", "delete":
		return []string{Identity, RoleAssignment}
	default:
		return nil
	}
}

// IsRefusal reports whether a look may tell more of a check than the service that refused it.
func IsRefusal(c assessment.Check) bool {
	return c.Status == diagnosis.OutcomeFail && c.DependsOn == "" && c.Bearing.IfThere != nil &&
		suspects(c.Layer) != nil
}

// Explained are the checks of a test, whose refusals are held against looks at what Entra and Azure hold. This is the
// one place that joins the two. A refusal follows from what the looks find missing or changed. Where they find all
// that it asks for in place, it is told as what is in place and does not act. Where they could not tell, it stays as
// the service has told it. Used are the looks that have counted.
func Explained(tested, looks []assessment.Check) (explained, used []assessment.Check) {
	explained = slices.Clone(tested)
	for i, c := range explained {
		if !IsRefusal(c) {
			continue
		}
		var near []assessment.Check
		isInPlace := true
		for _, kind := range suspects(c.Layer) {
			of := slices.DeleteFunc(slices.Clone(looks), func(l assessment.Check) bool { return !isNear(l, kind, c) })
			isInPlace = isInPlace && len(of) > 0 && !slices.ContainsFunc(of, isOpen)
			near = append(near, of...)
		}
		near = slices.DeleteFunc(near, isBeside)
		causes := slices.DeleteFunc(slices.Clone(near), func(l assessment.Check) bool {
			return l.Status == diagnosis.OutcomePass
		})
		switch {
		case len(causes) > 0:
			root := causes[len(causes)-1]
			explained[i].DependsOn, explained[i].Target, explained[i].Remedy = root.ID, root.Target, nil
		case isInPlace:
			explained[i] = inPlace(c)
		default:
			continue
		}
		used = append(used, slices.DeleteFunc(near, func(l assessment.Check) bool {
			return slices.ContainsFunc(used, l.IsSame)
		})...)
	}
	return explained, used
}

// isNear reports whether a look is at something of a kind that a refusal is about.
func isNear(l assessment.Check, kind string, refusal assessment.Check) bool {
	about := l.Bearing.About
	return l.Bearing.Kind == kind && (about == "" || strings.EqualFold(about, refusal.Bearing.About))
}

// isOpen reports whether a look has not found what it is at as it is wanted.
func isOpen(l assessment.Check) bool {
	return l.Status != diagnosis.OutcomePass && l.Status != diagnosis.OutcomeWarn
}

// isBeside reports whether a look states nothing for or against access: what it is at was not seen, or is odd and
// hinders nobody. A condition may hinder.
func isBeside(l assessment.Check) bool {
	switch l.Status {
	case diagnosis.OutcomePass, diagnosis.OutcomeFail:
		return false
	default:
		return l.Code != diagnosis.CodeRoleAssignmentConditioned
	}
}

// inPlace is the refusal of which looks have found all that it asks for in place.
func inPlace(c assessment.Check) assessment.Check {
	told := assessment.CheckOf(c.ID, c.Layer, *c.Bearing.IfThere)
	told.Field, told.Target, told.Evidence = c.Field, c.Target, c.Evidence
	return told
}
