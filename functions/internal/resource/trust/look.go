package trust

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Lister reads the credentials of an identity that somebody else has made.
type Lister interface {
	List(ctx context.Context, d integration.Document) ([]resource.Credential, error)
}

// Look looks for credentials that let the subjects of a spec in, whoever has made them and under whatever names. It is
// a resource.Looker.
type Look struct {
	place
	lister Lister
}

// NewLook returns the kind.
func NewLook(lister Lister) *Look { return &Look{lister: lister} }

// Observe implements resource.Looker. Others that are on the identity serve somebody else.
func (l *Look) Observe(ctx context.Context, v resource.View) []resource.Item {
	d := v.Document
	if v.Ending || v.Apart && len(d.Spec.Subjects) < 2 {
		return nil
	}
	found, err := l.lister.List(ctx, d)
	var items []resource.Item
	for _, w := range integration.WantedCredentials(d) {
		item := wantedItem(d, w)
		item.Context.Target = ""
		item.Title = "A federated credential equals issuer, subject and audience"
		if item.Err = err; err == nil {
			compareWithAll(&item, w, found)
		}
		items = append(items, item)
	}
	return items
}

// compareWithAll finds the credential that lets the subject in, else the one that comes nearest.
func compareWithAll(item *resource.Item, w integration.FederatedCredential, found []resource.Credential) {
	lets := slices.IndexFunc(found, func(f resource.Credential) bool { return isAccepted(f, w) })
	if lets >= 0 {
		item.State, item.Code, item.Key = resource.Unchanged, "", found[lets].Name
		item.Detail = "It is the credential " + redact.Printable(found[lets].Name) + "."
		w.Name, w.ID, w.Adopted = found[lets].Name, found[lets].ID, true
		item.Learn = learn(w)
		return
	}
	near := nearest(w, found)
	if near == nil { // there is none that was meant to
		return
	}
	item.State, item.Code, item.Key = resource.Different, diagnosis.CodeFederatedCredentialDiffers, near.Name
	item.Context.Credential = near.Name
	item.Differences = differences(w, *near, diagnosis.OwnerOther)
	if near.Expression != "" {
		item.Code, item.Detail = judgeFlexible(*near, w)
		return
	}
	slices.SortStableFunc(item.Differences, func(a, b diagnosis.MemberDifference) int {
		return cmp.Compare(rank(a), rank(b))
	})
	item.Detail = differWords(*near, item.Differences)
}

// isAccepted reports whether tokens of the wanted issuer, subject and audience match a credential.
func isAccepted(f resource.Credential, w integration.FederatedCredential) bool {
	if f.Expression == "" {
		return isEqual(f, w)
	}
	return isFlexibleIssuer(f.Issuer) && f.Issuer == w.Issuer && slices.Equal(f.Audiences, []string{w.Audience}) &&
		matches(f.Expression, w.Subject) == matched
}

// nearest is the credential with the fewest members that differ, and among those the one whose difference is of a
// class that people make by mistake; nil where none shares anything with what is wanted.
func nearest(w integration.FederatedCredential, found []resource.Credential) *resource.Credential {
	if len(found) == 0 {
		return nil
	}
	far := func(f resource.Credential) int {
		sum := 0
		for _, d := range differences(w, f, diagnosis.OwnerOther) {
			sum += 10 + rank(d)
		}
		return sum
	}
	near := slices.MinFunc(found, func(a, b resource.Credential) int { return cmp.Compare(far(a), far(b)) })
	if isForOthers(w, near) {
		return nil
	}
	return &near
}

// isForOthers reports whether a credential differs in issuer and subject in no way that looks like a mistake: it was
// never meant for this one.
func isForOthers(w integration.FederatedCredential, f resource.Credential) bool {
	issuer, subject := assessment.Diff(w.Issuer, f.Issuer).Class, assessment.Diff(w.Subject, f.Subject).Class
	return issuer == assessment.ClassOther && subject == assessment.ClassOther
}

// rank orders differences: those that people overlook come first.
func rank(d diagnosis.MemberDifference) int {
	order := []string{"", assessment.ClassCase, assessment.ClassSlash, assessment.ClassBlank,
		assessment.ClassLookAlike, assessment.ClassNamespace, assessment.ClassOther}
	return slices.Index(order, assessment.Diff(d.Want, d.Have).Class)
}

// differWords say where the nearest credential differs, and how.
func differWords(f resource.Credential, differs []diagnosis.MemberDifference) string {
	how := map[string]string{assessment.ClassCase: "by upper and lower case alone",
		assessment.ClassSlash: "by a slash at the end alone", assessment.ClassBlank: "by blanks alone",
		assessment.ClassLookAlike: "by characters alone that look the same, and are not",
		assessment.ClassNamespace: "by the namespace alone"}
	var words []string
	for _, d := range differs {
		diff := assessment.Diff(d.Want, d.Have)
		words = append(words, strings.TrimSpace(fmt.Sprintf("in its %s from character %d on %s", d.Member, *diff.At+1,
			how[diff.Class])))
	}
	return fmt.Sprintf("The nearest credential, %s, differs %s.", redact.Printable(f.Name),
		strings.Join(words, ", and "))
}
