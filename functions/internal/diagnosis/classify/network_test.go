package classify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// late is an answer that did not come within the limit of a request, as package azure has it.
type late struct{}

func (late) Error() string { return "no answer" }
func (late) Timeout() bool { return true }
func (late) Host() string  { return "graph.example" }
func (late) NonRetriable() {}

func TestALateAnswerNamesItsHost(t *testing.T) {
	d := Error(fmt.Errorf("graph: %w", late{}), diagnosis.Context{Operation: "application.create"})
	assert.Equal(t, diagnosis.CodeNetworkTimeout, d.Code)
	assert.True(t, d.Transient)
	assert.Contains(t, d.Detail, "The host is graph.example.")
}

type timeout struct{}

func (timeout) Error() string   { return "i/o timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

type proxied struct{}

func (proxied) Error() string    { return "the proxy answered 502" }
func (proxied) ProxyStatus() int { return 502 }

func TestNetworkErrorsNameTheHost(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		target string
	}{
		"by the request": {err: &url.Error{Op: "Get", URL: "https://acme.blob.core.windows.net/images?sig=planted",
			Err: io.EOF}},
		"by the lookup": {err: &net.DNSError{Err: "no such host", Name: "acme.blob.core.windows.net",
			IsNotFound: true}},
		"by the target, where the request names none": {err: &url.Error{Op: "Get", URL: "/images", Err: io.EOF},
			target: "https://acme.blob.core.windows.net/images"},
		"by the target, where the request is no URL": {err: &url.Error{Op: "Get", URL: "https://a b\x7f", Err: io.EOF},
			target: "https://acme.blob.core.windows.net/images"},
		"by the target, where the lookup names none": {err: &net.DNSError{Err: "no such host"},
			target: "https://acme.blob.core.windows.net/images"},
		"by the target, where the error names none": {err: hostless{}, target: "https://acme.blob.core.windows.net/"},
		"by the target": {err: io.EOF, target: "https://acme.blob.core.windows.net/images"},
	} {
		t.Run(name, func(t *testing.T) {
			d := Error(c.err, diagnosis.Context{Target: c.target})
			assert.Contains(t, d.Detail, "The host is acme.blob.core.windows.net.")
			assert.NotContains(t, d.Detail, "planted")
		})
	}
}

// hostless is a late answer that does not tell whose.
type hostless struct{ late }

func (hostless) Host() string { return "" }

// TestNetworkErrorsWithoutAHost say nothing of one.
func TestNetworkErrorsWithoutAHost(t *testing.T) {
	for _, target := range []string{"", "https://a b\x7f"} {
		d := Error(io.EOF, diagnosis.Context{Target: target})
		assert.Equal(t, diagnosis.CodeNetworkConnect, d.Code)
		assert.NotContains(t, d.Detail, "The host is")
	}
}

// quick is an error that could be a timeout and is none.
type quick struct{ timeout }

func (quick) Timeout() bool { return false }

// TestEveryNetworkError is known without the errors around it.
func TestEveryNetworkError(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want diagnosis.Code
	}{
		"canceled, within a request":  {&url.Error{Op: "Get", Err: context.Canceled}, "canceled"},
		"proxy":                       {proxied{}, "network-proxy"},
		"DNS":                         {&net.DNSError{}, "network-dns"},
		"verification":                {&tls.CertificateVerificationError{Err: errors.New("x")}, "network-tls"},
		"authority":                   {x509.UnknownAuthorityError{}, "network-tls"},
		"host":                        {x509.HostnameError{Certificate: &x509.Certificate{}}, "network-tls"},
		"record":                      {tls.RecordHeaderError{}, "network-tls"},
		"alert":                       {tls.AlertError(40), "network-tls"},
		"deadline":                    {context.DeadlineExceeded, "network-timeout"},
		"deadline of a file":          {os.ErrDeadlineExceeded, "network-timeout"},
		"timeout":                     {timeout{}, "network-timeout"},
		"no timeout":                  {quick{}, diagnosis.CodeUnrecognised},
		"operation":                   {&net.OpError{Err: errors.New("x")}, "network-connect"},
		"refused":                     {syscall.ECONNREFUSED, "network-connect"},
		"reset":                       {syscall.ECONNRESET, "network-connect"},
		"pipe":                        {syscall.EPIPE, "network-connect"},
		"end":                         {io.EOF, "network-connect"},
		"end within":                  {io.ErrUnexpectedEOF, "network-connect"},
		"request":                     {&url.Error{Op: "Get", Err: errors.New("x")}, "network-connect"},
		"a URL that cannot be parsed": {&url.Error{Op: "parse", Err: errors.New("x")}, diagnosis.CodeUnrecognised},
	} {
		assert.Equal(t, tc.want, Error(tc.err, diagnosis.Context{}).Code, name)
		assert.Equal(t, tc.want, Error(fmt.Errorf("x: %w", tc.err), diagnosis.Context{}).Code, name)
	}
}

// TestWhoseIdentityFailed: what azidentity cannot do is the app's, but not where the federated identity is tested.
func TestWhoseIdentityFailed(t *testing.T) {
	for operation, want := range map[string]diagnosis.Code{"": "service-identity-unavailable",
		"application.create": "service-identity-unavailable", "accessory": "service-identity-unavailable",
		"access.list": diagnosis.CodeUnrecognised} {
		assert.Equal(t, want, Error(identityFailure{}, diagnosis.Context{Operation: diagnosis.Operation(operation)}).
			Code, operation)
	}
}

type identityFailure struct{}

func (identityFailure) Error() string { return "ManagedIdentityCredential: no identity" }
func (identityFailure) NonRetriable() {}

func TestNetworkErrors(t *testing.T) {
	dial := func(err error) error {
		return &url.Error{Op: "Get", URL: "https://x", Err: &net.OpError{Op: "dial", Err: err}}
	}
	tests := map[string]struct {
		err  error
		want diagnosis.Code
	}{
		"no such host":       {dial(&net.DNSError{Err: "no such host", IsNotFound: true}), "network-dns"},
		"lookup timed out":   {dial(&net.DNSError{Err: "i/o timeout", IsTimeout: true}), "network-dns"},
		"refused":            {dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "network-connect"},
		"reset":              {fmt.Errorf("read: %w", syscall.ECONNRESET), "network-connect"},
		"reset by the proxy": {&url.Error{Op: "Get", URL: "https://x", Err: proxied{}}, "network-proxy"},
		"cut":                {&url.Error{Op: "Put", URL: "https://x", Err: io.EOF}, "network-connect"},
		"cut in the answer":  {fmt.Errorf("read body: %w", io.ErrUnexpectedEOF), "network-connect"},
		"no answer": {&url.Error{Op: "Get", URL: "https://x", Err: errors.New("http2: untyped")},
			"network-connect"},
		"no URL": {&url.Error{Op: "parse", URL: "::", Err: errors.New("missing scheme")},
			diagnosis.CodeUnrecognised},
		"deadline":               {fmt.Errorf("call: %w", context.DeadlineExceeded), "network-timeout"},
		"the limit of a request": {fmt.Errorf("graph: %w", late{}), "network-timeout"},
		"dial timed out":         {dial(timeout{}), "network-timeout"},
		"canceled":               {fmt.Errorf("call: %w", context.Canceled), "canceled"},
		"unknown authority": {&url.Error{Op: "Get", URL: "https://x",
			Err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}}, "network-tls"},
		"wrong host": {fmt.Errorf("x: %w", x509.HostnameError{Host: "x", Certificate: &x509.Certificate{}}),
			"network-tls"},
		"handshake alert": {fmt.Errorf("x: %w", tls.AlertError(40)), "network-tls"},
		"not TLS at all": {tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"},
			"network-tls"},
		"the app's identity": {fmt.Errorf("x: %w", identityFailure{}), "service-identity-unavailable"},
		"anything else":      {errors.New("AADSTS700213: text alone decides nothing"), diagnosis.CodeUnrecognised},
		"nothing at all":     {nil, "internal"},
		"one that has its code": {fmt.Errorf("x: %w", &diagnosis.Error{Diagnosis: diagnosis.New("superseded"),
			Err: context.DeadlineExceeded}), "superseded"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := Error(tt.err, diagnosis.Context{})
			assert.Equal(t, tt.want, d.Code)
			assert.NotContains(t, d.Detail, "AADSTS")
		})
	}
}
