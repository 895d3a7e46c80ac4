package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// verdict is what the tests said of a mutant.
type verdict string

const (
	killed       verdict = "killed"
	survived     verdict = "survived"
	notCompiling verdict = "not compiling"
	timedOut     verdict = "timed out"
)

// runner has the tests judge mutants. The mutated file is in an overlay: the working tree is not touched, and the
// build cache serves what does not depend on the package.
type runner struct {
	target  string     // the package that is mutated
	judges  [][]string // packages whose tests judge; the next ones are asked if none of these has noticed anything
	scratch string
	timeout time.Duration // of one run of the tests; baseline makes it five times what they take, if that is more
}

// errFailed says that a go command ran and was not successful.
var errFailed = errors.New("failed")

// goTool runs the go command and returns what it printed.
func goTool(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		err = fmt.Errorf("go %s: %w\n%s", args[0], errFailed, out)
	}
	return string(out), err
}

// test has the judges run their tests, up to the first ones that fail, without what only costs time: vet, and the
// linker's tables for a debugger.
func (r *runner) test(ctx context.Context, flags ...string) (out string, err error) {
	for _, packages := range r.judges {
		out, err = goTool(ctx, slices.Concat([]string{"test", "-vet=off", "-ldflags=-w"}, flags, packages)...)
		if err != nil {
			break
		}
	}
	return out, err
}

// baseline runs the tests unchanged, which must pass, and sets the time limit.
func (r *runner) baseline(ctx context.Context) error {
	if _, err := r.test(ctx, "-run=^$"); err != nil {
		return err
	}
	start := time.Now() // what is measured does not build any more
	_, err := r.test(ctx, "-count=1")
	r.timeout = max(r.timeout, 5*time.Since(start))
	return err
}

// judge runs the tests on the mutant.
func (r *runner) judge(ctx context.Context, m mutant) (verdict, error) {
	overlay, err := r.overlay(m)
	if err != nil {
		return "", err
	}
	out, err := r.test(ctx, "-overlay="+overlay, "-count=1", "-failfast", "-timeout="+r.timeout.String())
	switch {
	case err == nil:
		return survived, nil
	case !errors.Is(err, errFailed):
		return "", err
	case strings.Contains(out, "[build failed]"): // the go command's words
		return notCompiling, nil
	case strings.Contains(out, "panic: test timed out after"): // the testing package's words
		return timedOut, nil
	default:
		return killed, nil
	}
}

// overlay writes the mutated file and the overlay that names it, see `go help build`.
func (r *runner) overlay(m mutant) (string, error) {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	mutated := filepath.Join(r.scratch, filepath.Base(m.file))
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{m.file: mutated}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(r.scratch, "overlay.json")
	return overlay, errors.Join(os.WriteFile(mutated, m.apply(source), 0o600), os.WriteFile(overlay, list, 0o600))
}
