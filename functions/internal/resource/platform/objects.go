package platform

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// object is an integration or a driver of the platform.
type object interface{ About() ddoe.Object }

// collection is one of the API: how its objects are read, and told from others'.
type collection[T object] struct {
	*Platform
	listing, getting policy.Operation
	list             func(ctx context.Context, place string) ([]T, error)
	get              func(ctx context.Context, id string) (T, error)
	isMarked         func(T) bool
	place            func(T) string
}

// place is an organisation with integrations, or a project with drivers. Where it is needed, something of ours is
// there, or is to be made there.
type place struct {
	id       string
	isNeeded bool
}

// placesOf are the places in which something of ours is or may be: the one that the spec names, and the one that the
// record does; empty for none. isKnown means that the record knows something in its own.
func placesOf(wanted, recorded string, isWanted, isKnown bool) []place {
	var all []place
	isSame := isSameID(wanted, recorded)
	if wanted != "" {
		all = append(all, place{wanted, isWanted || isKnown && isSame})
	}
	if recorded != "" && !isSame {
		all = append(all, place{recorded, isKnown})
	}
	return all
}

// snapshot is what reads of the same moment have returned: lists, and a look at the one object that the record knows.
type snapshot[T object] struct {
	listed  []T
	listErr error
	one     T
	oneErr  error
}

// see reads in one hop the lists of places and, by its id, an object that need not be in them. Where nothing of ours
// is needed, two reads that find no such place have to do.
func (k collection[T]) see(ctx context.Context, id string, places ...place) (s snapshot[T]) {
	lists, errs := make([][]T, len(places)), make([]error, len(places))
	parts := []func(){func() {
		if id != "" {
			s.one, s.oneErr = ask(ctx, k.Platform, k.getting, k.get, id)
		}
	}}
	for i, one := range places {
		parts = append(parts, func() {
			for range 2 {
				lists[i], errs[i] = ask(ctx, k.Platform, k.listing, k.list, one.id)
				if one.isNeeded || !isUnknown(errs[i]) {
					return
				}
			}
			errs[i] = nil
		})
	}
	together(parts...)
	s.listed, s.listErr = slices.Concat(lists...), cmp.Or(errs...)
	return s
}

// find finds an object by its id. That it is gone counts where both reads say so.
func (s snapshot[T]) find(id string) (*T, error) {
	if i := slices.IndexFunc(s.listed, func(one T) bool { return one.About().ID == id }); i >= 0 {
		return &s.listed[i], nil
	}
	switch {
	case s.oneErr == nil && s.one.About().ID == id:
		return &s.one, nil
	case s.oneErr != nil && !isNotThere(s.oneErr):
		return nil, s.oneErr
	}
	return nil, s.listErr
}

// choose tells the object of ours that stays, in the place that is wanted, from those that go: all where wanted is
// empty. The one that the record knows comes first, then those with our mark, the oldest first. Whoever keeps it
// keeps the same as any other run: the record's may carry what was built on it, and where the record knows none, every
// run sees the same age. An error means that there may be others.
func (k collection[T]) choose(s snapshot[T], known, wanted string) (kept *T, going []T, err error) {
	all := slices.DeleteFunc(slices.Clone(s.listed), func(one T) bool {
		return one.About().ID == known || !k.isMarked(one)
	})
	slices.SortFunc(all, func(a, b T) int {
		x, y := a.About(), b.About()
		return cmp.Or(bytes.Compare(x.CreatedAt, y.CreatedAt), strings.Compare(x.ID, y.ID))
	})
	if known != "" {
		var own *T
		if own, err = s.find(known); own != nil {
			all = slices.Insert(all, 0, *own)
		}
	}
	for i, one := range all {
		if kept == nil && wanted != "" && isSameID(k.place(one), wanted) {
			kept = &all[i]
			continue
		}
		going = append(going, one)
	}
	return kept, going, cmp.Or(err, s.listErr)
}

// lookFor looks for an object of ours until one is there, its place is taken, or no list can lag any more.
func (k collection[T]) lookFor(ctx context.Context, where string, taken func(snapshot[T]) error) (earlier *T,
	err error) {
	_, err = k.Requests.Await(ctx, policy.WaitForCreation, func(ctx context.Context) (bool, error) {
		s := k.see(ctx, "", place{where, true})
		var err error
		if earlier, _, err = k.choose(s, "", where); earlier != nil {
			return true, nil
		}
		return false, cmp.Or(err, taken(s))
	})
	return earlier, err
}

// create sends a create, which has no key. Where its answer leaves in doubt whether it was carried out, the list
// states what is there now; it is sent again only where nothing is. taken is the refusal of what is in its place. What
// a list returned may have been made by an earlier request, with other members: change makes it as it is wanted.
func (k collection[T]) create(ctx context.Context, op policy.Operation, where string,
	send func(ctx context.Context, where string) (T, error), taken func(snapshot[T]) error,
	change func(T) resource.Result, claim func(T) func(*integration.Status)) resource.Result {
	for n := 1; ; n++ {
		made, err := ask(ctx, k.Platform, op, send, where)
		action := policy.ActionOf(err)
		switch {
		case err == nil:
			return resource.Result{Outcome: resource.OutcomeCreated, Learn: claim(made),
				RequestID: made.About().RequestID}
		case action != policy.InDoubt && action != policy.Exists || ctx.Err() != nil:
			return resource.Result{Err: err}
		}
		absent := policy.Absent(err)
		earlier, lookErr := k.lookFor(ctx, where, taken)
		switch {
		case earlier != nil:
			r := change(*earlier)
			r.Outcome = resource.OutcomeCreated
			return r
		case lookErr != nil && !errors.Is(lookErr, policy.ErrNoTime):
			return resource.Result{Err: lookErr}
		// no list shows who has the name, or no answer has its form
		case lookErr == nil && policy.ActionOf(absent) == policy.GiveUp:
			return resource.Result{Err: absent}
		case n == 2 || lookErr != nil || ctx.Err() != nil:
			return resource.Result{Err: later(op, diagnosis.CodeDDOECreateUnsettled,
				"The create was sent %d times without an answer, and nothing shows that was made.", n)}
		}
	}
}

// remove deletes, until two reads show that the object is gone.
func (k collection[T]) remove(ctx context.Context, op policy.Operation, item resource.Item, places []place,
	send func(ctx context.Context, id string) (string, error), forget func(*integration.DDOEStatus)) resource.Result {
	r := resource.Result{Step: item.Name + "-delete"}
	outcome := resource.OutcomeAbsent
	r.Err = resource.UntilGone(ctx, k.Requests, diagnosis.Context{}, func(ctx context.Context) error {
		_, err := ask(ctx, k.Platform, op, func(ctx context.Context, id string) (string, error) {
			requestID, err := send(ctx, id)
			if err == nil {
				r.RequestID, outcome = requestID, resource.OutcomeDeleted
			}
			return requestID, err
		}, item.Key)
		return err
	}, func(ctx context.Context) (bool, error) {
		is, err := k.see(ctx, item.Key, places...).find(item.Key)
		return is != nil, err
	})
	if r.Err == nil {
		r.Outcome, r.Learn = outcome, learn(forget)
	}
	return r
}

// later is the error of what time may solve.
func later(op policy.Operation, code diagnosis.Code, format string, args ...any) error {
	return &policy.Failure{Operation: op, Decision: policy.Decision{Action: policy.RetryLater},
		Err: refuse(code, format, args...)}
}

// learn is a change of the status of the platform's side. Others may hold the status that it changes.
func learn(change func(*integration.DDOEStatus)) func(*integration.Status) {
	return func(s *integration.Status) {
		var st integration.DDOEStatus
		if s.DDOE != nil {
			st = *s.DDOE
		}
		change(&st)
		s.DDOE = &st
	}
}

// unvalidated takes back what the platform's validation said, as something that it depends on has changed.
func unvalidated(st *integration.DDOEStatus) {
	st.Validated, st.CheckedAt, st.ValidationID = false, nil, ""
}

// each does one thing after the other, and notes how long each took.
func (p *Platform) each(items []resource.Item, do func(resource.Item) resource.Result) []resource.Result {
	results := make([]resource.Result, len(items))
	for i, item := range items {
		began := p.Requests.Now()
		r := do(item)
		r.Item, r.StepTarget, r.Began, r.Ended = item, cmp.Or(item.Key, item.Target), began, p.Requests.Now()
		results[i] = r
	}
	return results
}
