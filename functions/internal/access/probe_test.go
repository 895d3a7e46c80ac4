package access_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// isProbe reports whether a request is about a probe blob, of that suffix.
func isProbe(r *http.Request, method, suffix string) bool {
	_, name, found := strings.Cut(r.URL.Path, "/.ddoe-wif-probe-")
	return found && r.Method == method && (suffix == "" && strings.Count(name, "-") == 3 ||
		suffix != "" && strings.HasSuffix(name, "-"+suffix))
}

// TestOraclesTrustOneRefusalOnly: where Storage grants what cannot be, the account is not one that can be judged so.
func TestOraclesTrustOneRefusalOnly(t *testing.T) {
	t.Parallel()
	for method, tc := range map[string]struct {
		status int
		want   string
	}{http.MethodHead: {200, "read unknown not-recognised-success"},
		http.MethodDelete: {202, "delete unknown not-recognised-success"}} {
		c := newCloud(t)
		c.answer = func(r *http.Request) *http.Response {
			if isProbe(r, method, "none") {
				return refusal(tc.status, "", nil)
			}
			return nil
		}
		report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
			Token: c.token(platform.TokenRequest{}), Mode: access.ModeOracle})
		require.NoError(t, err)
		assert.Contains(t, rights(report), tc.want)
		for _, check := range report.Checks {
			if check.Code == "not-recognised-success" {
				assert.Equal(t, []string{"/storage/0", accountURL + "images"}, []string{check.Field, check.Target})
			}
		}
	}
}

// TestAListingReachesData: it is enough for the claim, where all else is refused.
func TestAListingReachesData(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.answer = func(r *http.Request) *http.Response {
		if strings.Contains(r.URL.Path, "/.ddoe-wif-probe-") {
			return refusal(http.StatusForbidden, "AuthorizationPermissionMismatch", nil)
		}
		return nil
	}
	report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
		Token: c.token(platform.TokenRequest{}), Mode: access.ModeOracle})
	require.NoError(t, err)
	assert.Contains(t, rights(report), "list pass")
	assert.Contains(t, rights(report), "read fail role-missing")
	assert.EqualValues(t, "access", report.ClaimLevel)
}

// TestOraclesTellHowTheyKnow: what passes by a refusal states it, and what passes by an answer does not.
func TestOraclesTellHowTheyKnow(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
		Token: c.token(platform.TokenRequest{}), Mode: access.ModeOracle})
	require.NoError(t, err)
	told := map[string]bool{}
	for _, check := range report.Checks {
		told[check.ID] = check.Detail != ""
	}
	for id, want := range map[string]bool{"access.list": false, "access.read": true, "access.write": true,
		"access.delete": true} {
		assert.Equal(t, want, told[id], id)
	}
}

// TestWriteOracleWantsItsRefusal: the code and the status of the condition, not one of them.
func TestWriteOracleWantsItsRefusal(t *testing.T) {
	t.Parallel()
	for answer, passes := range map[string]bool{"412 ConditionNotMet": true, "409 ConditionNotMet": false,
		"412 LeaseIdMissing": false, "404 BlobNotFound": false} {
		var status int
		var code string
		_, err := fmt.Sscan(answer, &status, &code)
		require.NoError(t, err)
		c := newCloud(t)
		c.answer = func(r *http.Request) *http.Response {
			if r.Method == http.MethodPut {
				return refusal(status, code, nil)
			}
			return nil
		}
		report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
			Token: c.token(platform.TokenRequest{}), Mode: access.ModeOracle})
		require.NoError(t, err)
		assert.Equal(t, passes, strings.Contains(strings.Join(rights(report), ","), "write pass"), answer)
	}
}

// TestWhatIsRead must be what was written, in content and version, to its end.
func TestWhatIsRead(t *testing.T) {
	t.Parallel()
	const text = "ddoe-wif 00010203-0405-4607-8809-0a0b0c0d0e0f"
	type change func(resp *http.Response)
	body := func(r io.Reader) change {
		return func(resp *http.Response) {
			resp.Body = io.NopCloser(r)
			resp.ContentLength = -1
			resp.Header.Del("Content-Length")
		}
	}
	cases := map[string]struct {
		change change
		want   string
	}{
		"as it was": {func(*http.Response) {}, "read pass"},
		"the same":  {body(strings.NewReader(text)), "read pass"},
		"longer":    {body(strings.NewReader(text + "x")), "read fail content-mismatch"},
		"shorter":   {body(strings.NewReader(text[1:])), "read fail content-mismatch"},
		"empty":     {body(strings.NewReader("")), "read fail content-mismatch"},
		"another version": {func(resp *http.Response) { resp.Header.Set("ETag", `"other"`) },
			"read fail content-mismatch"},
		"no version": {func(resp *http.Response) { resp.Header.Del("ETag") }, "read fail content-mismatch"},
	}
	for n := range len(text) + 1 {
		cases[fmt.Sprintf("broken after %d bytes", n)] = struct {
			change change
			want   string
		}{body(io.MultiReader(strings.NewReader(text[:n]), iotest.ErrReader(io.ErrUnexpectedEOF))),
			"read unknown network-connect"}
	}
	for name, tc := range cases {
		c := newCloud(t)
		c.after = func(r *http.Request, resp *http.Response) (*http.Response, error) {
			if isProbe(r, http.MethodGet, "") {
				tc.change(resp)
			}
			return resp, nil
		}
		report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
			Token: c.token(platform.TokenRequest{})})
		require.NoError(t, err)
		assert.Contains(t, rights(report), tc.want, name)
		assert.Contains(t, rights(report), "cleanup pass", name)
	}
}

// TestAFailureAtEachRequestOfARoundTrip is told at its check, does not keep the others from being made, and never
// leaves the blob behind without a word.
func TestAFailureAtEachRequestOfARoundTrip(t *testing.T) {
	t.Parallel()
	isListing := func(r *http.Request) bool { return r.URL.Query().Get("comp") == "list" }
	for name, tc := range map[string]struct {
		at   func(*http.Request) bool
		want []string
	}{
		"the write": {func(r *http.Request) bool { return r.Method == http.MethodPut },
			[]string{"network pass", "protection pass", "write fail role-missing", "list pass", "read pass",
				"delete pass"}},
		"the read": {func(r *http.Request) bool { return isProbe(r, http.MethodGet, "") },
			[]string{"network pass", "protection pass", "write pass", "read fail role-missing", "list pass",
				"delete pass", "cleanup pass"}},
		"the listing": {isListing, []string{"network pass", "protection pass", "write pass", "read pass",
			"list fail role-missing", "delete pass", "cleanup pass"}},
		"the delete": {func(r *http.Request) bool { return r.Method == http.MethodDelete },
			[]string{"network pass", "protection pass", "write pass", "read pass", "list pass",
				"delete fail role-missing", "cleanup warn probe-not-removed"}},
		"the look afterwards": {func(r *http.Request) bool { return isProbe(r, http.MethodHead, "") },
			[]string{"network pass", "protection pass", "write pass", "read pass", "list pass", "delete pass",
				"cleanup warn probe-not-removed"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.answer = func(r *http.Request) *http.Response {
				if strings.Contains(r.URL.Host, ".blob.") && tc.at(r) {
					return refusal(http.StatusForbidden, "AuthorizationPermissionMismatch", nil)
				}
				return nil
			}
			report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
				Token: c.token(platform.TokenRequest{})})
			require.NoError(t, err)
			assert.Equal(t, tc.want, rights(report))
			for _, check := range report.Checks {
				if strings.HasPrefix(check.ID, "access.") {
					assert.Equal(t, check.ID, "access."+check.Layer)
				}
			}
			isLeft := strings.Contains(tc.want[len(tc.want)-1], "cleanup warn")
			assert.Equal(t, isLeft, len(report.Leftovers) == 1)
			if name == "the look afterwards" {
				assert.Equal(t, "The delete was accepted, but the blob is still there.", report.Leftovers[0].Reason)
			}
			if name == "the delete" {
				assert.True(t, strings.HasPrefix(report.Leftovers[0].Reason, "role-missing: "))
			}
		})
	}
}

// TestAListingWithoutTheProbe shows nothing, whatever else it holds.
func TestAListingWithoutTheProbe(t *testing.T) {
	t.Parallel()
	for _, blobs := range []string{"", "<Blob><Name>other</Name></Blob>"} {
		c := newCloud(t)
		c.answer = func(r *http.Request) *http.Response {
			if r.URL.Query().Get("comp") != "list" {
				return nil
			}
			assert.Equal(t, "1", r.URL.Query().Get("maxresults"))
			resp := refusal(http.StatusOK, "", map[string]string{"Content-Type": "application/xml"})
			resp.Body = io.NopCloser(strings.NewReader("<EnumerationResults><Blobs>" + blobs +
				"</Blobs></EnumerationResults>"))
			return resp
		}
		report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
			Token: c.token(platform.TokenRequest{})})
		require.NoError(t, err)
		assert.Contains(t, strings.Join(rights(report), ","), " probe-not-listed")
	}
}

// TestAfterAnUnclearWrite the blob is looked for, and is ours only where it states it. A clear refusal needs no look.
func TestAfterAnUnclearWrite(t *testing.T) {
	t.Parallel()
	for status, looks := range map[int]bool{399: true, 400: false, 403: false, 404: false, 408: true, 409: true,
		412: false, 429: false, 499: false, 500: true, 503: true} {
		c := newCloud(t)
		c.answer = func(r *http.Request) *http.Response {
			if r.Method == http.MethodPut {
				return refusal(status, "Odd", nil)
			}
			return nil
		}
		report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
			Token: c.token(platform.TokenRequest{})})
		require.NoError(t, err)
		looked := false
		for _, seen := range c.seen(http.MethodHead) {
			looked = looked || !strings.HasSuffix(seen, "-none")
		}
		assert.Equal(t, looks, looked, status)
		assert.NotContains(t, rights(report), "write pass", status)
		assert.NotContains(t, rights(report), "cleanup pass", status)
	}
}

// TestRemovalIsTried as often as another answer may come: three times, each with the pipeline's one retry where that
// repeats.
func TestRemovalIsTried(t *testing.T) {
	t.Parallel()
	for status, tries := range map[int]int{400: 1, 403: 1, 409: 1, 412: 1, 499: 1, 429: 6, 500: 6, 503: 6, 399: 3} {
		c := newCloud(t)
		c.answer = func(r *http.Request) *http.Response {
			if r.Method == http.MethodDelete {
				return refusal(status, "Odd", nil)
			}
			return nil
		}
		report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
			Token: c.token(platform.TokenRequest{})})
		require.NoError(t, err)
		assert.Len(t, c.seen(http.MethodDelete), tries, status)
		assert.Len(t, report.Leftovers, 1, status)
	}
}

// TestProbesSayWhoseTheyAre, and until when.
func TestProbesSayWhoseTheyAre(t *testing.T) {
	t.Parallel()
	for _, mode := range []access.Mode{access.ModeRoundtrip, access.ModeOracle} {
		c := newCloud(t)
		var header http.Header
		c.after = func(r *http.Request, resp *http.Response) (*http.Response, error) {
			if r.Method == http.MethodPut {
				header = r.Header.Clone()
			}
			return resp, nil
		}
		report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
			Token: c.token(platform.TokenRequest{}), Mode: mode})
		require.NoError(t, err)
		for name, want := range map[string]string{"purpose": "ddoe-wif-access-test", "run": report.ID,
			"expires": "2026-03-01T13:00:00Z"} {
			found := ""
			for key, values := range header {
				if strings.EqualFold(key, "x-ms-meta-"+name) {
					found = values[0]
				}
			}
			assert.Equal(t, want, found, "%s: %s", mode, name)
		}
	}
}

// TestNamesOfAccounts: a document's text never chooses another host than an account's.
func TestNamesOfAccounts(t *testing.T) {
	t.Parallel()
	for name, isOne := range map[string]bool{"": false, "ab": false, "abc": true, "a0z": true, "azz9": true,
		strings.Repeat("a", 24): true, strings.Repeat("a", 25): false, "ab-c": false, "ab.c": false, "ab/..": false,
		"abé": false, "ab{": false, "ab`": false, "ab:": false, "ABC": true} {
		c := newCloud(t)
		report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(integration.StorageAccess{
			ResourceID: "/subscriptions/s/" + name, Container: "images"}), Token: c.token(platform.TokenRequest{})})
		require.NoError(t, err)
		assert.Equal(t, !isOne, strings.Contains(strings.Join(rights(report), ","), "storage-name-invalid"), name)
	}
}

// TestKnocking without a token shows that the way is free where Storage asks for one, or knows no such container, and
// trusts our tenant as far as it tells.
func TestKnocking(t *testing.T) {
	t.Parallel()
	const challenge = "Bearer authorization_uri=https://login.microsoftonline.com/%s/oauth2/authorize"
	for name, tc := range map[string]struct {
		status       int
		code, tenant string
		want         string
	}{
		"asked for a token":     {401, "NoAuthenticationInformation", world.TenantID, "network pass"},
		"tenant in capitals":    {401, "NoAuthenticationInformation", strings.ToUpper(world.TenantID), "network pass"},
		"no tenant told":        {401, "NoAuthenticationInformation", "", "network pass"},
		"another tenant":        {401, "NoAuthenticationInformation", "other", "network fail storage-tenant-mismatch"},
		"no such container":     {404, "ResourceNotFound", "", "network pass"},
		"nothing is public":     {409, "PublicAccessNotPermitted", "", "network pass"},
		"closed":                {403, "AuthorizationFailure", "", "network fail network-rules-blocked"},
		"closed, with a tenant": {403, "AuthorizationFailure", world.TenantID, "network fail network-rules-blocked"},
		"another conflict":      {409, "AccountBeingCreated", "", "network fail account-being-created"},
	} {
		for _, container := range []string{"images", ""} {
			c := newCloud(t)
			c.answer = func(r *http.Request) *http.Response {
				about := map[bool]string{true: "container", false: "service"}[container != ""]
				assert.Equal(t, about, r.URL.Query().Get("restype"))
				headers := map[string]string{}
				if tc.tenant != "" {
					headers["WWW-Authenticate"] = fmt.Sprintf(challenge, tc.tenant)
				}
				return refusal(tc.status, tc.code, headers)
			}
			report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(integration.StorageAccess{
				ResourceID: world.DataAccountID, Container: container})})
			require.NoError(t, err)
			assert.Contains(t, rights(report), tc.want, "%s %q", name, container)
			want := "GET acmedata.blob.core.windows.net/" + container
			for _, seen := range c.seen(http.MethodGet) {
				assert.Equal(t, want, seen)
			}
		}
	}
}
