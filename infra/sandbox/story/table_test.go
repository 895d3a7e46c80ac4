package story

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// row is one code of an integration's state: how it is made true in the sandbox, where it is told, and what mends it.
type row struct {
	code string
	how  string // what was done, in words
	// bed is the integration that the row shares with others; empty for one of its own.
	bed string
	// isPassing is true of what leaves nothing behind, so that only after the last of a bed all is looked at.
	isPassing bool
	// order changes the patient's spec before it is PUT; nil leaves it as it is.
	order func(*patient)
	// isRefused is true where the first PUT cannot succeed: what is broken was there before it.
	isRefused bool
	destroy   func(*patient)
	// told are the places that tell the code as the root cause, with the same person and the same command.
	told []string
	// other is what the other places see, each with the reason why that is not the code.
	other map[string]seen
	// mended are the ways to mend it, each by itself, after a destruction of its own.
	mended []mending
}

// seen is what a place tells in place of a row's code: another code, or nothing where it is empty.
type seen struct{ code, why string }

// mending does what a remedy says: the way of the command, of the PUT, or by the hands of who its steps name.
type mending struct {
	how string
	do  func(*patient, map[string]any)
}

// byPut repeats the PUT, as the first step of a remedy says.
var byPut = mending{"by the PUT", func(p *patient, d map[string]any) {
	p.t.Helper()
	assert.Contains(p.t, strings.ToUpper(text(d)), "PUT", "the remedy says so")
	p.put()
}}

// byCommand runs the command that was printed, by the Azure CLI.
var byCommand = mending{"by the command", func(p *patient, d map[string]any) {
	p.t.Helper()
	command, _ := at(d, "remedy.command").(string)
	require.NotEmpty(p.t, command, d)
	if p.ward.shell == nil {
		lack(p.t, "the Azure CLI (az) is not on PATH: install Debian's azure-cli, or Microsoft's")
	}
	shell := &terminal{app: p.app, env: p.ward.shell.env}
	shell.run(command)
}}

// byHand does what a step says, which has these words in it.
func byHand(words string, do func(*patient)) mending {
	return mending{"by hand", func(p *patient, d map[string]any) {
		p.t.Helper()
		assert.Contains(p.t, text(d), words, "the remedy says so")
		do(p)
	}}
}

// text are the steps of a diagnosis, in one.
func text(d map[string]any) string {
	steps, _ := at(d, "remedy.steps").([]any)
	var all []string
	for _, s := range steps {
		all = append(all, s.(string))
	}
	return strings.Join(all, "\n")
}

// mends is what the operation sees of what its PUT puts right.
var mends = seen{"", "the PUT puts it right"}

// TestEveryCodeIsToldAlikeAndMended makes each row true in the sandbox. Each place tells it with one code, one person
// and one command, or what the row says of it; the remedy's ways mend it, and then no place tells anything. Rows of
// one bed come one after the other, on one integration; the last ward is for what all integrations would suffer from.
func TestEveryCodeIsToldAlikeAndMended(t *testing.T) {
	t.Parallel()
	w := openWard(t)
	t.Run("side by side", func(t *testing.T) {
		for i, rows := range beds(table()) {
			t.Run(rows[0].bed, func(t *testing.T) {
				t.Parallel()
				w.treat(t, fmt.Sprintf("bed-%d", i), rows)
			})
		}
	})
	t.Run("for all", func(t *testing.T) { w.treat(t, "for-all", refusalRows()) })
	t.Run("for all on the platform", func(t *testing.T) { w.treat(t, "all-wired", platformAnswerRows()) })
}

// beds are the rows in the order of their beds; a row without one is alone.
func beds(rows []row) [][]row {
	var all [][]row
	for _, r := range rows {
		at := slices.IndexFunc(all, func(bed []row) bool { return r.bed != "" && bed[0].bed == r.bed })
		if at >= 0 {
			all[at] = append(all[at], r)
			continue
		}
		r.bed = cmp.Or(r.bed, r.code)
		all = append(all, []row{r})
	}
	return all
}

// treat makes an integration, and breaks and mends it by one row after the other.
func (w *ward) treat(t *testing.T, id string, rows []row) {
	t.Helper()
	p := w.admit(t, id)
	for i, r := range rows {
		t.Run(r.code+": "+r.how, func(t *testing.T) {
			p := p.in(t)
			if i == 0 {
				p.begin(r)
			}
			for _, m := range r.mended {
				p.read()
				r.destroy(p)
				m.do(p, p.requireTold(r))
				if i == len(rows)-1 || !r.isPassing {
					p.requireWell("mended " + m.how)
				}
			}
		})
	}
	assert.Nil(t, p.told(inOperation), "there is nothing left to say")
}

// begin orders what the first row of a bed orders.
func (p *patient) begin(r row) {
	p.t.Helper()
	if r.order != nil {
		r.order(p)
	}
	if r.isRefused {
		p.told(inOperation)
		return
	}
	p.put()
	p.requireWell("as made")
}

// requireWell waits until no place tells anything.
func (p *patient) requireWell(why string) {
	p.t.Helper()
	for _, place := range []string{inDrift, inTest, inHealth} {
		p.awaitTold(place, "", why)
	}
}

// requireTold holds what the places tell against the row, and returns the diagnosis.
func (p *patient) requireTold(r row) map[string]any {
	p.t.Helper()
	var first map[string]any
	for _, place := range []string{inDrift, inTest, inHealth, inOperation} {
		if !slices.Contains(r.told, place) {
			other, isListed := r.other[place]
			require.True(p.t, isListed, "what does %s tell?", place)
			if other != mends {
				p.awaitTold(place, other.code, place+": "+other.why)
			}
			continue
		}
		d := p.awaitTold(place, r.code, "destroyed")
		if first == nil {
			first = d
		}
		for _, member := range []string{"title", "remedy.who", "remedy.command"} {
			assert.Equal(p.t, at(first, member), at(d, member), "%s of %s, in %s", member, r.code, place)
		}
	}
	require.NotNil(p.t, first, "%s is told nowhere", r.code)
	return first
}

// TestEveryCodeIsInTheTable, or in one list of those that are not of an integration's state, or cannot be made true
// here: a new code has to be put into one of them.
func TestEveryCodeIsInTheTable(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "docs", "errors", "*.md"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	places := map[string][]string{}
	rows := slices.Concat(table(), refusalRows(), platformAnswerRows())
	for _, r := range rows {
		if !slices.Contains(places[r.code], "the table") {
			places[r.code] = append(places[r.code], "the table")
		}
	}
	for _, g := range outside() {
		require.NotEmpty(t, g.why)
		for _, code := range g.codes {
			places[code] = append(places[code], g.why)
		}
	}
	for _, file := range files {
		code := strings.TrimSuffix(filepath.Base(file), ".md")
		assert.Len(t, places[code], 1, "%s has to be in one place: %q", code, places[code])
		delete(places, code)
	}
	assert.Empty(t, places, "these are no codes")
	for _, r := range rows {
		_, err := os.Stat(filepath.Join("..", "..", "..", "docs", "errors", r.code+".md"))
		assert.NoError(t, err)
		assert.NotEmpty(t, r.mended, "%s: nobody mends it", r.code)
	}
}
