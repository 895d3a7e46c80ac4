package provision

import (
	"context"
	"sync"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

// recorder writes into the document what a run learns. It is safe for concurrent use.
type recorder struct {
	attempt *operation.Attempt

	saving sync.Mutex // held while the document is saved, so that each thing that was learnt is written once

	mu sync.Mutex // guards what follows
	// learnt is what tasks have taught that is not in the document yet, in that order.
	learnt []func(*integration.Document)
}

// learn remembers what is to be written into the document with what is written next.
func (r *recorder) learn(change func(*integration.Document)) {
	if change == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.learnt = append(r.learnt, change)
}

// known returns the document as this attempt knows it, how much was learnt that is not in it yet, and what writes it
// there. The document is read while nothing is forgotten: what is being written is in one of the two.
func (r *recorder) known() (integration.Document, int, func(*integration.Document)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	changes := r.learnt
	return r.attempt.Document(), len(changes), func(d *integration.Document) {
		for _, change := range changes {
			change(d)
		}
	}
}

// written forgets the first n things that were learnt.
func (r *recorder) written(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.learnt = r.learnt[n:]
}

// save writes down what has been learnt, with the steps that were noted, where there is news, and change, which is nil
// for none.
func (r *recorder) save(ctx context.Context, change func(*integration.Document)) error {
	r.saving.Lock()
	defer r.saving.Unlock()
	r.learn(change)
	d, n, learnt := r.known()
	defer r.written(n) // where it cannot be written the run ends, and the next attempt looks
	if draft := d.Clone(); isChangedBy(&draft, learnt) {
		return r.attempt.Save(ctx, learnt)
	}
	if r.attempt.HasNews() {
		return r.attempt.Save(ctx, nil)
	}
	return nil
}

// flush writes down what has been learnt where a run ends without a conclusion.
func (r *recorder) flush(ctx context.Context) error {
	if _, n, _ := r.known(); n == 0 {
		return nil
	}
	return r.save(ctx, nil)
}

// concludeWith writes down how the run has ended, and with it what has been learnt.
func (r *recorder) concludeWith(ctx context.Context, change func(*integration.Document) error,
	news ...operation.News) error {
	r.saving.Lock()
	defer r.saving.Unlock()
	_, n, learnt := r.known()
	defer r.written(n)
	if n == 0 {
		learnt = nil
	}
	return r.attempt.Conclude(ctx, learnt, change, news...)
}

// current returns the document as this attempt knows it, with what is not written yet.
func (r *recorder) current() integration.Document {
	d, n, learnt := r.known()
	if n > 0 {
		d = d.Clone()
		learnt(&d)
	}
	return d
}
