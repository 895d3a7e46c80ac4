package resourcetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Loop asks one kind for what the loops of package provision ask it for, in the same order. It is a copy: those run
// all kinds, with a document from the store. The suite begins thousands of attempts in the middle, with one kind
// alone. Tests of package provision hold that both ask for the same.
type Loop struct {
	Kind resource.Kind
	// Document is the record. It is taught what the kind learns, as long as the process lives.
	Document *integration.Document
	// Seen are the items of the last look.
	Seen []resource.Item
}

// View is what the kind is told. Fresh, ending and purge are as in resource.View.
func (l *Loop) View(fresh, ending, purge bool) resource.View {
	return resource.View{Document: l.Document.Clone(), Fresh: fresh, Ending: ending, Purge: purge}
}

// Converge brings the kind's objects to the spec. Fresh is true where nothing was made yet.
func (l *Loop) Converge(ctx context.Context, fresh bool) error {
	v := l.View(fresh, false, false)
	if err := l.look(ctx, v); err != nil {
		return err
	}
	var errs []error
	if unwanted := resource.InState(l.Seen, resource.Unwanted); len(unwanted) > 0 {
		errs = append(errs, l.write(ctx, l.Kind.Remove, l.View(fresh, false, false), unwanted))
	}
	if foreign := resource.InState(l.Seen, resource.Foreign); len(foreign) > 0 {
		errs = append(errs, &diagnosis.Error{Diagnosis: diagnosis.New(foreign[0].Code)})
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	differ := resource.InState(l.Seen, resource.Missing, resource.Restorable, resource.Different)
	if len(differ) > 0 {
		errs = append(errs, l.write(ctx, l.Kind.Apply, l.View(fresh, false, false), differ))
	}
	return errors.Join(append(errs, l.unread())...)
}

// TakeDown removes all that is the integration's, unless that would break what others have built.
func (l *Loop) TakeDown(ctx context.Context, purge bool) error {
	if err := l.look(ctx, l.View(false, true, purge)); err != nil {
		return err
	}
	for _, item := range l.Seen {
		if item.Blocks {
			return &diagnosis.Error{Diagnosis: diagnosis.New(item.Code)}
		}
	}
	var errs []error
	if unwanted := resource.InState(l.Seen, resource.Unwanted); len(unwanted) > 0 {
		errs = append(errs, l.write(ctx, l.Kind.Remove, l.View(false, true, purge), unwanted))
	}
	return errors.Join(append(errs, l.unread())...)
}

// look observes, and records what that teaches.
func (l *Loop) look(ctx context.Context, v resource.View) error {
	l.Seen = l.Kind.Observe(ctx, v)
	if ctx.Err() == nil {
		resource.LearnAll(&l.Document.Status, l.Seen)
	}
	return ctx.Err()
}

// unread is why items could not be read; they keep no others from being written.
func (l *Loop) unread() error {
	var errs []error
	for _, item := range l.Seen {
		errs = append(errs, item.Err)
	}
	return errors.Join(errs...)
}

// write applies or removes items, and holds that the kind leaves them as they were given to it.
func (l *Loop) write(ctx context.Context, do func(context.Context, resource.View, []resource.Item) []resource.Result,
	v resource.View, items []resource.Item) error {
	given := withoutLearn(items)
	err := l.Record(ctx, do(ctx, v, items))
	if !reflect.DeepEqual(given, withoutLearn(items)) {
		return fmt.Errorf("%s has changed the items that it was given", l.Kind.Name())
	}
	return err
}

// withoutLearn is a copy of items that can be compared.
func withoutLearn(items []resource.Item) []resource.Item {
	items = slices.Clone(items)
	for i := range items {
		items[i].Learn = nil
	}
	return items
}

// Record keeps what writes have taught, as far as the process lives, and returns what they failed with.
func (l *Loop) Record(ctx context.Context, results []resource.Result) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	errs := make([]error, len(results))
	for i, r := range results {
		if r.Learn != nil {
			r.Learn(&l.Document.Status)
		}
		errs[i] = r.Err
	}
	return errors.Join(errs...)
}
