package resourcetest_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/resourcetest"
)

var update = flag.Bool("update", false, "rewrite the files of testdata")

// TestGolden holds all that a kind tells: of each state of its objects every member of every item, every step of what
// was done about it, and what the status has learnt.
func TestGolden(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(testing.TB, *resourcetest.Wire) *resourcetest.Subject{
		"application": newApplication, "trust": newTrust, "grant": newGrant,
		"managed-identity": newManagedIdentity, "managed-trust": newManagedTrust,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &story{TB: t, New: begin, last: map[string]string{}}
			s.tell()
			is, file := placeholders(s.text.String()), "testdata/"+name+".txt"
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(is), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), is)
		})
	}
}

// madeID finds ids that were drawn at random (RFC 9562, version 4).
var madeID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)

// placeholders names ids in the order in which they come.
func placeholders(text string) string {
	names := map[string]string{}
	return madeID.ReplaceAllStringFunc(text, func(id string) string {
		if names[id] == "" {
			names[id] = fmt.Sprintf("id-%d", len(names)+1)
		}
		return names[id]
	})
}

// story is what happens to the objects of a kind, and what the kind tells of it.
type story struct {
	testing.TB
	New  func(testing.TB, *resourcetest.Wire) *resourcetest.Subject
	text strings.Builder
	last map[string]string // what was shown of a key before
	*resourcetest.Subject
}

// tell goes through all that can happen, in one world where that is possible.
func (s *story) tell() {
	s.Subject = s.New(s, resourcetest.NewWire())
	foreign := s.Foreign
	s.look("nothing made, nothing read", resource.View{Fresh: true})
	s.look("nothing made, told", resource.View{Told: true})
	s.look("apart", resource.View{Apart: true})
	before := s.Document.Clone()
	s.act("make", resource.View{})
	made := s.Document
	s.Document = before
	s.look("a crash before the record", resource.View{})
	s.look("a crash before the record, ending", resource.View{Ending: true})
	s.Document = made
	s.act("nothing to do", resource.View{})
	for i, m := range s.Members {
		m.Set(s)
		s.act(fmt.Sprintf("somebody sets member %d", i), resource.View{})
	}
	for _, one := range []struct {
		name string
		do   func(testing.TB)
	}{{"somebody changes", s.Drift}, {"somebody deletes", s.Delete}, {"somebody makes one beside", s.Beside}} {
		if one.do != nil {
			one.do(s)
			s.look(one.name+", ending", resource.View{Ending: true})
			s.look(one.name+", told", resource.View{Told: true})
			s.act(one.name, resource.View{})
		}
	}
	if s.Change != nil {
		s.Change(&s.Document.Spec)
		s.act("another spec", resource.View{})
	}
	if s.Move != nil {
		next := s.Document.Clone().Spec
		s.Move(&next)
		s.Document.ReplaceSpec(next)
		s.act("elsewhere", resource.View{})
	}
	s.act("remove", resource.View{Ending: true})
	s.look("removed", resource.View{Ending: true})
	for i, f := range foreign {
		s.Subject = s.New(s, resourcetest.NewWire())
		s.Foreign[i].Put(s)
		s.act(f.Name, resource.View{})
		s.act(f.Name+", again", resource.View{})
		s.act(f.Name+", remove", resource.View{Ending: true})
	}
	s.Subject = s.New(s, resourcetest.NewWire())
	s.act("make", resource.View{Fresh: true})
	s.act("purge", resource.View{Ending: true, Purge: true})
}

// look tells of all items.
func (s *story) look(title string, v resource.View) []resource.Item {
	v.Document = s.Document.Clone()
	items := s.Kind.Observe(s.Context(), v)
	fmt.Fprintf(&s.text, "## %s\n", title)
	objector, canObject := s.Kind.(resource.Objector)
	for _, item := range items {
		s.print("item", item.Key, printedItem(item))
		require.False(s, item.Blocks && !(canObject && objector.CanObject()), "a teardown does not hear the kind")
	}
	return items
}

// act looks, does what is to be done, and tells of the steps and of the status afterwards.
func (s *story) act(title string, v resource.View) {
	items := s.look(title, v)
	resource.LearnAll(&s.Document.Status, items)
	s.do(s.Kind.Remove, v, resource.InState(items, resource.Unwanted))
	if !v.Ending && len(resource.InState(items, resource.Foreign)) == 0 { // a person has to decide first
		s.do(s.Kind.Apply, v, resource.InState(items, resource.Missing, resource.Restorable, resource.Different))
	}
	s.print("status", "", s.Document.Status)
}

func (s *story) do(act func(context.Context, resource.View, []resource.Item) []resource.Result, v resource.View,
	items []resource.Item) {
	if len(items) == 0 {
		return
	}
	v.Document = s.Document.Clone()
	for _, r := range act(s.Context(), v, items) {
		if r.Learn != nil {
			r.Learn(&s.Document.Status)
		}
		assert.False(s, r.Began.IsZero() || r.Ended.Before(r.Began), "%s: from %s to %s", r.Step, r.Began, r.Ended)
		s.print("step", "", map[string]any{"item": r.Item.Key, "step": r.Step, "target": r.StepTarget,
			"outcome": r.Outcome, "hasRequestID": r.RequestID != "", "hasLearn": r.Learn != nil,
			"error": textOf(r.Err)})
	}
}

// printedItem are an item's members, but for functions and what is the kind's own.
func printedItem(i resource.Item) map[string]any {
	return map[string]any{"name": i.Name, "title": i.Title, "checkID": i.CheckID, "key": i.Key, "target": i.Target,
		"state": i.State, "differences": differences(i.Differences), "code": i.Code, "detail": i.Detail,
		"root": i.Root, "context": i.Context, "error": textOf(i.Err), "apart": i.Apart, "subject": i.Subject,
		"takes": i.Takes / time.Millisecond, "hasLearn": i.Learn != nil, "blocks": i.Blocks, "isAbsent": i.IsAbsent}
}

func differences(all []diagnosis.MemberDifference) []string {
	texts := make([]string, len(all))
	for i, d := range all {
		texts[i] = fmt.Sprintf("%s: %q is %q (%s)", d.Member, d.Want, d.Have, d.Owner)
	}
	return texts
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// print writes a value as JSON without what is empty; where it is what it was before, it states it.
func (s *story) print(what, key string, v any) {
	raw, err := json.Marshal(v)
	require.NoError(s, err)
	var members any
	require.NoError(s, json.Unmarshal(raw, &members))
	short, err := json.MarshalIndent(compact(members), "", "  ")
	require.NoError(s, err)
	text, name := string(short), strings.TrimSpace(what+" "+key)
	if s.last[name] == text {
		text = "as before"
	} else {
		s.last[name] = text
	}
	fmt.Fprintf(&s.text, "%s: %s\n", name, text)
}

// compact leaves out what is empty.
func compact(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if value = compact(value); value == nil || value == "" || value == false || value == 0.0 {
				delete(v, name)
				continue
			}
			v[name] = value
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		if len(v) == 0 {
			return nil
		}
	}
	return v
}
