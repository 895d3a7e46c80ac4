// Command mutants makes small faults in a package, one at a time, and runs its tests on each: a fault that no test
// notices is a promise that no test holds. It takes a sample, which the same seed takes again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	n := flag.Int("n", 40, "how many mutants that compile to judge")
	seed := flag.Uint64("seed", 1, "which sample")
	tests := flag.String("tests", "", "further packages whose tests judge, separated by blanks")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: mutants [-n 40] [-seed 1] [-tests PACKAGES] PACKAGE")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	judges := [][]string{{flag.Arg(0)}} // most is noticed by the package's own tests
	if others := strings.Fields(*tests); len(others) > 0 {
		judges = append(judges, others)
	}
	r := &runner{target: flag.Arg(0), judges: judges, timeout: 20 * time.Second}
	if err := run(ctx, os.Stdout, r, *n, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// run judges a sample of the package's mutants, prints each verdict, and at the end a row of a table.
func run(ctx context.Context, to io.Writer, r *runner, n int, seed uint64) (err error) {
	if r.scratch, err = os.MkdirTemp("", "mutants"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.scratch)) }()
	all, err := mutants(ctx, r.target)
	if err != nil {
		return err
	}
	if err := r.baseline(ctx); err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a sample that can be repeated
	random.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	counts := tally{}
	for _, m := range all {
		if counts.valid() == n {
			break
		}
		v, err := r.judge(ctx, m)
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		counts[v]++
		if err := m.show(to, v, r.target); err != nil {
			return err
		}
	}
	return counts.show(to, path.Clean(r.target))
}

// mutants lists all mutants of a package, in a fixed order.
func mutants(ctx context.Context, target string) ([]mutant, error) {
	format := `{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}`
	out, err := goTool(ctx, "list", "-f", format, target)
	if err != nil {
		return nil, err
	}
	var all []mutant
	for _, file := range strings.Fields(out) {
		source, err := os.ReadFile(file) //nolint:gosec // named by the go command
		if err != nil {
			return nil, err
		}
		found, err := find(file, string(source))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// show prints the verdict, the place and the change in one line.
func (m mutant) show(to io.Writer, v verdict, folder string) error {
	_, err := fmt.Fprintf(to, "%-13s %s:%d: %s: %s → %s\n",
		v, path.Join(folder, filepath.Base(m.file)), m.line, m.kind, oneLine(m.before), oneLine(m.after))
	return err
}

// oneLine shortens code for a line of output.
func oneLine(code string) string {
	short := []rune(strings.Join(strings.Fields(code), " "))
	if len(short) > 100 {
		short = append(short[:100], '…')
	}
	return "`" + string(short) + "`"
}

// tally counts the verdicts of a run.
type tally map[verdict]int

// valid counts the mutants that compile.
func (t tally) valid() int { return t[killed] + t[timedOut] + t[survived] }

// show prints the counts, and a row of the table in docs/testing.md. A mutant that ran out of time was noticed.
func (t tally) show(to io.Writer, target string) error {
	noticed := t[killed] + t[timedOut]
	_, err := fmt.Fprintf(to, "\nsurvived: %d, not compiling: %d, timed out: %d\n| package | valid | killed | %% |\n"+
		"| %s | %d | %d | %d |\n", t[survived], t[notCompiling], t[timedOut], target, t.valid(), noticed,
		100*noticed/max(1, t.valid()))
	return err
}
