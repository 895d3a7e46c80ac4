package errorpage_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/errorpage"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
)

// TestAPageThatTheSenderHas is not sent again. Its HTML is another representation than its Markdown.
func TestAPageThatTheSenderHas(t *testing.T) {
	edge := problemtest.Serve(errorpage.Register)
	page := edge.Call(t, "GET", "/errors/role-missing", "", "Accept", "text/html")
	tag := page.Header.Get("ETag")
	again := edge.Call(t, "GET", "/errors/role-missing", "", "Accept", "text/html", "If-None-Match", tag)
	assert.Equal(t, 304, again.Status)
	assert.Empty(t, again.Raw)
	assert.Equal(t, tag, again.Header.Get("ETag"))
	assert.Equal(t, "Accept", again.Header.Get("Vary"))
	other := edge.Call(t, "GET", "/errors/role-missing", "", "If-None-Match", tag)
	assert.Equal(t, 200, other.Status)
	assert.Contains(t, other.Raw, "# ")
}
