package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// teller makes requests and shows them.
type teller struct {
	out          io.Writer
	client       *http.Client
	api, control string         // base URLs
	id           string         // of the integration that is told of
	offered      map[string]any // the platform's integration type, once the demo has taken it away
}

// answer is one HTTP answer, read whole.
type answer struct {
	status int
	header http.Header
	raw    string
	value  any // the body, if it is JSON
}

func (a answer) at(path string) any { return at(a.value, path) }

func (a answer) object() map[string]any {
	object, _ := a.value.(map[string]any)
	return object
}

// at returns the member at a path such as "status.phase" or "checks.0.code"; nil if there is none.
func at(value any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		switch node := value.(type) {
		case map[string]any:
			value = node[key]
		case []any:
			n, err := strconv.Atoi(key)
			if err != nil || n < 0 || n >= len(node) {
				return nil
			}
			value = node[n]
		default:
			return nil
		}
	}
	return value
}

// each takes one member of every object in a list.
func each(list any, member string) []string {
	var values []string
	objects, _ := list.([]any)
	for _, object := range objects {
		values = append(values, fmt.Sprint(at(object, member)))
	}
	return values
}

// call sends a request, shows it with its answer, and fails unless the status is one of those wanted.
func (t *teller) call(ctx context.Context, method, base, path string, body any, wanted ...int) (answer, error) {
	t.request(method, path, body)
	a, err := t.send(ctx, method, base, path, body)
	if err != nil {
		return a, err
	}
	t.answer(a)
	if !slices.Contains(wanted, a.status) {
		return a, fmt.Errorf("%s %s answered %d, not %v: %s", method, path, a.status, wanted, a.raw)
	}
	return a, nil
}

func (t *teller) send(ctx context.Context, method, base, path string, body any) (answer, error) {
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		reader = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, base+path, reader)
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := t.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: response.StatusCode, header: response.Header, raw: string(raw)}
	_ = json.Unmarshal(raw, &a.value) // not every answer is JSON
	return a, nil
}

func (t *teller) printf(format string, arguments ...any) {
	_, _ = fmt.Fprintf(t.out, format, arguments...) // a closed terminal has nobody to be told
}

func (t *teller) request(method, path string, body any) {
	t.printf("   > %s %s\n", method, path)
	if object, ok := body.(map[string]any); ok && len(object) > 0 {
		raw, _ := json.Marshal(body) // it was encoded before
		t.printf("     %s\n", raw)
	}
}

func (t *teller) answer(a answer) { t.printf("   < %d %s\n", a.status, http.StatusText(a.status)) }

func (t *teller) note(format string, arguments ...any) {
	t.printf("%s\n", strings.TrimRight("     "+fmt.Sprintf(format, arguments...), " "))
}
