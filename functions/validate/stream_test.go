package validate_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/judgement"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
	"github.com/ddoe-ai/azure-wif/functions/validate"
)

// TestOfALargePartTheBeginningIsKept: a form is read as it arrives, and of each file no more than tells that it is too
// large. Its neighbours are judged, whatever pieces they arrive in.
func TestOfALargePartTheBeginningIsKept(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	sizes := map[int]int{}
	edge := problemtest.Serve(validate.Function{Judge: func(_ context.Context,
		r judgement.Request) (assessment.Report, error) {
		mu.Lock()
		defer mu.Unlock()
		sizes[len(r.File)]++
		return assessment.Report{Kind: "credential", Verdict: assessment.VerdictPass}, nil
	}}.Register)
	body, contentType := form(t, part{"file", "large", strings.Repeat("x", 100<<10)}, part{"file", "small", "{}"},
		part{"clientId", "", "c"}, part{"file", "exact", strings.Repeat("x", credential.MaxSize)})
	got := edge.Send(t, "POST", path, iotest.OneByteReader(strings.NewReader(body)), "Content-Type", contentType)
	require.Equal(t, 200, got.Status, got.Raw)
	assert.Equal(t, map[int]int{credential.MaxSize + 1: 1, 2: 1, credential.MaxSize: 1}, sizes)

	alone, contentType := form(t, part{"file", "large", strings.Repeat("x", 100<<10)})
	for kind, sent := range map[string]string{contentType: alone, "application/json": strings.Repeat("x", 100<<10)} {
		got = edge.Send(t, "POST", path, iotest.HalfReader(strings.NewReader(sent)), "Content-Type", kind)
		assert.Equal(t, 413, got.Status)
		assert.Contains(t, got.Raw, "The file has 102400 bytes")
	}
}

// TestABodyThatHasNoEnd is refused at the limit, not read on.
func TestABodyThatHasNoEnd(t *testing.T) {
	t.Parallel()
	edge := problemtest.Serve(validate.Function{}.Register)
	body, contentType := form(t, part{"file", "x", "{}"})
	endless := &endless{piece: []byte(body)}
	for _, kind := range []string{contentType, "application/json"} {
		endless.read = 0
		got := edge.Send(t, "POST", path, endless, "Content-Type", kind)
		assert.Equal(t, 413, got.Status, got.Raw)
		assert.Equal(t, "body-too-large", got.Body["code"])
		assert.Less(t, endless.read, 1<<20)
	}
}

// endless is a reader that begins with a piece and goes on with nothing but letters.
type endless struct {
	piece []byte
	read  int
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	if e.read < len(e.piece) {
		n = copy(p, e.piece[e.read:])
	}
	for ; n < len(p); n++ {
		p[n] = 'x'
	}
	e.read += n
	return n, nil
}
