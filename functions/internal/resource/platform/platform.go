// Package platform sets up the DDOE platform's side of an integration: the kinds platformIntegration and driver. The
// API is documented in part only (docs/ddoe.md), so there is one rule for all that nobody knows: stop, show what was
// seen, keep everything, and name the setting or the member of the spec by which a person decides.
//
// What is ours is what the record knows by id, or what bears our mark. Everything else is somebody else's: it is
// never changed and never removed, whatever its name is.
package platform

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Accounts tells whether a storage account has a hierarchical namespace, which decides a driver's type.
type Accounts interface {
	IsHierarchical(ctx context.Context, accountID string) (bool, error)
}

// Platform is the DDOE platform as a deployment knows it.
type Platform struct {
	// Client is nil where the deployment has no access to the API: a person sets up the platform's side then.
	Client *ddoe.Client
	// IntegrationType is the platform's name of the type; empty discovers it in what the organisation offers.
	IntegrationType string
	// OptionMap decides where an option's value comes from, before all rules.
	OptionMap OptionMap
	// Instance is the deployment's part of the mark.
	Instance string
	// KeyExpires is when the API key ends; zero where it does not say.
	KeyExpires time.Time
	Requests   policy.Requests
	Accounts   Accounts
}

const (
	nameIntegration = "ddoeIntegration" // the names of the items
	nameDriver      = "ddoeDriver"
	modeAPI         = integration.ModeAPI // the ways in which the platform's side is set up, as the status has them
	modeManual      = "manual"
	metaOwner       = "managed-by" // the metadata entry that marks an integration as ours
)

// New returns the integration and the driver, in the order in which they are made.
func New(p Platform) ([]resource.Kind, error) {
	if p.Instance == "" || p.Requests.Sleep == nil || p.Requests.Now == nil || p.Client != nil && p.Accounts == nil {
		return nil, errors.New("the platform's kinds lack an instance, requests or accounts")
	}
	return []resource.Kind{integrations{&p}, drivers{&p}}, nil
}

// mark is what an integration's metadata entry and a driver's metadata say of what is ours. Neither object has
// another member that is given at creation, is free, and is returned again (reference/ddoe.md s.4.1 and s.5.2).
func (p *Platform) mark(d integration.Document) string { return "ddoe-wif/" + p.Instance + "/" + d.ID }

// isAsked reports whether the API is asked for the platform's side. Where it is not, a person makes it, or nothing is
// wanted any more.
func (p *Platform) isAsked(v resource.View) bool {
	return p.Client != nil && !v.Ending && v.Document.Spec.DDOE.IsWanted()
}

// isTooEarly reports whether the identity has yet to be made: then both kinds are looked at again, and a platform
// that is slow holds up nothing before. A dry run does look.
func isTooEarly(v resource.View) bool { return v.Fresh && v.Document.Status.ClientID == "" }

// statusOf is what the record knows of the platform's side.
func statusOf(d integration.Document) integration.DDOEStatus {
	if d.Status.DDOE == nil {
		return integration.DDOEStatus{}
	}
	return *d.Status.DDOE
}

// isSameID compares two ids of a spec as the platform finds objects by them: an id that is written otherwise must not
// pass for another object, since what is not wanted any more is removed.
func isSameID(a, b string) bool { return strings.EqualFold(a, b) }

// ask sends a request about something, again as the policy table states.
func ask[T any](ctx context.Context, p *Platform, op policy.Operation,
	request func(ctx context.Context, about string) (T, error), about string) (answer T, err error) {
	err = p.Requests.Do(ctx, op, diagnosis.Context{}, func(ctx context.Context) error {
		var err error
		answer, err = request(ctx, about)
		return err
	})
	return answer, err
}

// refuse is the error of a code, and of what happened in this case.
func refuse(code diagnosis.Code, format string, args ...any) error {
	return &diagnosis.Error{Diagnosis: diagnosis.New(code, diagnosis.WithDetail(format, args...))}
}

// apiOff is why what only the API can do is not done.
func apiOff() error { return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeDDOEAPIOff)} }

// together runs the parts at once: they are one hop.
func together(parts ...func()) {
	var group sync.WaitGroup
	for _, part := range parts {
		group.Go(part)
	}
	group.Wait()
}

// newItem is an item that is wanted, and missing until it is seen; no access test proves anything of it.
func newItem(name, key, target string) resource.Item {
	item := resource.Item{Name: name, Key: key, Target: target, State: resource.Missing, Apart: true,
		CheckID: "ddoe.integration", Title: "The integration on the platform is as it was made"}
	if name == nameDriver {
		item.CheckID, item.Title = "ddoe.driver", "The driver on the platform is as it was made"
	}
	return item
}

// unwanted is an item that is to go.
func unwanted(name, id string) resource.Item {
	item := newItem(name, id, id)
	item.State = resource.Unwanted
	return item
}

// failed is an item that could not be looked at, or whose place the platform refuses.
func failed(item resource.Item, err error) resource.Item {
	item.Err = err
	return item
}

// ours is a member of ours that is not as it is wanted.
func ours(member, want, have string) diagnosis.MemberDifference {
	return diagnosis.MemberDifference{Member: member, Want: want, Have: redact.Printable(have),
		Owner: diagnosis.OwnerOurs}
}

// at adds to the words which member a refusal is about: where the platform knows nothing of that name, or we refuse.
func at(pointer, value string, err error) error {
	var f *policy.Failure
	if errors.As(err, &f) && policy.IsFinal(err) && isUnknown(err) {
		err = &diagnosis.Error{Diagnosis: f.Diagnosis(false), Err: f.Err}
	}
	var known *diagnosis.Error
	if errors.As(err, &known) {
		d := &known.Diagnosis
		d.Findings = []diagnosis.Finding{{Pointer: pointer, Code: d.Code, Detail: d.Title + ".",
			Actual: redact.Printable(value), Remedy: d.Remedy.Steps[0]}}
	}
	return err
}
