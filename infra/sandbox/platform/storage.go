package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// What the platform uses of Azure.
const (
	loginHost      = "login.microsoftonline.com"
	storageScope   = "https://storage.azure.com/.default"
	storageVersion = "2023-11-03"
	assertionType  = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// testFile begins the name of what the platform leaves in a container for a moment.
	testFile = "test-file"
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 1 << 20
)

// storageError states in the words of Entra or of the storage account why a test failed.
type storageError struct{ reason string }

// Error is the platform's sentence.
func (e *storageError) Error() string { return "Failed to connect to storage: " + e.reason }

func unreachable(reason string) *storageError { return &storageError{reason: reason} }

// tester tests storage as the platform does, with what an integration holds.
type tester struct{ *gate }

// testStorage tests a place in storage. Where the integration names no account, as it is with a type that has no
// option for that, the account is the first that holds the container and can be reached. Every error but a
// *storageError is the platform's own.
func (t tester) testStorage(ctx context.Context, integration dataloop.Object, container, path string) error {
	k, err := t.connection(integration)
	if err != nil {
		return err
	}
	token, err := t.exchange(ctx, k)
	if err != nil {
		return err
	}
	accounts := []string{k.account}
	if k.account == "" {
		accounts = t.accountsWith(container)
	}
	var first error = unreachable("no storage account is named")
	for i, account := range accounts {
		err := t.tryAccount(ctx, token, account, container, path)
		if err == nil {
			return nil
		}
		if i == 0 {
			first = err
		}
	}
	return first
}

func (t tester) accountsWith(container string) []string {
	var names []string
	for _, account := range t.world.StorageAccounts() {
		if _, err := t.world.Container(account.Name, container); err == nil {
			names = append(names, account.Name)
		}
	}
	return names
}

// tryAccount does what a driver will have to: it lists the container, and writes, reads and deletes a file. The file
// has a name of its own each time, so that two tests at once, and an immutable container, do no harm.
func (t tester) tryAccount(ctx context.Context, token, account, container, path string) error {
	base := url.URL{Scheme: "https", Host: account + ".blob.core.windows.net", Path: "/" + container}
	list, file := base, base
	list.RawQuery = url.Values{"restype": {"container"}, "comp": {"list"}, "maxresults": {"1"}}.Encode()
	if folder := strings.Trim(path, "/"); folder != "" {
		file.Path += "/" + folder
	}
	file.Path += "/" + testFile + "-" + uuid.NewString()
	for _, step := range []struct{ method, target string }{
		{http.MethodGet, list.String()}, {http.MethodPut, file.String()}, {http.MethodGet, file.String()},
	} {
		if err := t.blob(ctx, token, step.method, step.target); err != nil {
			return err
		}
	}
	// An identity that may not delete is good enough: the file stays.
	_ = t.blob(ctx, token, http.MethodDelete, file.String())
	return nil
}

// exchange trades the platform's own token at Entra, as federation means it, or a client secret, as it was before.
func (t tester) exchange(ctx context.Context, k connection) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {k.client}, "scope": {storageScope}}
	if k.secret != "" {
		form.Set("client_secret", k.secret)
	} else {
		assertion, err := t.opts.Issuer.Mint(TokenRequest{Subject: k.subject, Audience: k.audience})
		if err != nil {
			return "", err
		}
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", assertion)
	}
	target := url.URL{Scheme: "https", Host: loginHost, Path: "/" + k.tenant + "/oauth2/v2.0/token"}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return "", unreachable("the tenant is not a name")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, body, err := t.send(request)
	if err != nil {
		return "", err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.AccessToken == "" {
		return "", unreachable(orDefault(answer.Description, "no token"))
	}
	return answer.AccessToken, nil
}

// blob makes one request to a storage account.
func (t tester) blob(ctx context.Context, token, method, target string) error {
	var content io.ReadCloser = http.NoBody
	if method == http.MethodPut {
		content = io.NopCloser(strings.NewReader(testFile))
	}
	request, err := http.NewRequestWithContext(ctx, method, target, content)
	if err != nil {
		return unreachable("the storage account is not a name")
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("x-ms-version", storageVersion)
	request.Header.Set("x-ms-date", t.world.Now().Format(http.TimeFormat))
	if method == http.MethodPut {
		request.ContentLength = int64(len(testFile))
		request.Header.Set("x-ms-blob-type", "BlockBlob")
		request.Header.Set("Content-Type", "text/plain")
	}
	status, body, err := t.send(request)
	if err != nil || status < http.StatusBadRequest {
		return err
	}
	var failure struct {
		Code    string
		Message string
	}
	// A body that is no XML leaves both empty, and the status speaks for itself.
	_ = xml.Unmarshal(bytes.TrimPrefix(body, []byte("\ufeff")), &failure)
	sentence, _, _ := strings.Cut(failure.Message, "\n")
	return unreachable(orDefault(failure.Code, http.StatusText(status)) + ": " + sentence)
}

// send makes one request of the platform's own. An error means that there was no answer.
func (t tester) send(request *http.Request) (int, []byte, error) {
	if t.opts.Transport == nil {
		return 0, nil, unreachable("getaddrinfo ENOTFOUND " + request.URL.Host)
	}
	response, err := t.opts.Transport.RoundTrip(request)
	if err != nil {
		if ctx := request.Context(); ctx.Err() != nil {
			return 0, nil, ctx.Err()
		}
		return 0, nil, unreachable("getaddrinfo ENOTFOUND " + request.URL.Host)
	}
	defer func() { _ = response.Body.Close() }() // read to the end, or given up
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return 0, nil, unreachable("the connection was cut")
	}
	return response.StatusCode, body, nil
}
