package classify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"syscall"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// networkCode classifies Go's own errors of the way to a service; empty if it is none of them.
func networkCode(err error) diagnosis.Code {
	var (
		dns        *net.DNSError
		verify     *tls.CertificateVerificationError
		authority  x509.UnknownAuthorityError
		host       x509.HostnameError
		record     tls.RecordHeaderError
		alert      tls.AlertError
		operation  *net.OpError
		hasTimeout interface{ Timeout() bool }
		proxy      interface{ ProxyStatus() int }
		confined   interface{ IsOfAddress() bool }
		request    *url.Error
	)
	switch {
	case errors.Is(err, context.Canceled):
		return diagnosis.CodeCanceled
	case errors.As(err, &confined) && confined.IsOfAddress():
		return diagnosis.CodeAddressNotPublic
	case errors.As(err, &confined):
		return diagnosis.CodeHostNotAllowed
	case errors.As(err, &proxy):
		return diagnosis.CodeNetworkProxy
	case errors.As(err, &dns):
		return diagnosis.CodeNetworkDNS
	case errors.As(err, &verify), errors.As(err, &authority), errors.As(err, &host), errors.As(err, &record),
		errors.As(err, &alert):
		return diagnosis.CodeNetworkTLS
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &hasTimeout) && hasTimeout.Timeout():
		return diagnosis.CodeNetworkTimeout
	case errors.As(err, &operation), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, syscall.EPIPE),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return diagnosis.CodeNetworkConnect
	case errors.As(err, &request) && request.Op != "parse":
		return diagnosis.CodeNetworkConnect // net/http had no answer, for a reason that has no type
	default:
		return ""
	}
}

// networkHost is the host that was not reached; empty where nothing names it.
func networkHost(err error, c diagnosis.Context) string {
	var request *url.Error
	if errors.As(err, &request) {
		if u, err := url.Parse(request.URL); err == nil && u.Hostname() != "" {
			return u.Hostname()
		}
	}
	var named interface{ Host() string }
	if errors.As(err, &named) && named.Host() != "" {
		return named.Host()
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.Name != "" {
		return dns.Name
	}
	if u, err := url.Parse(c.Target); err == nil {
		return u.Hostname()
	}
	return ""
}

// networkWords names the host, beside the cause.
func networkWords(err error, c diagnosis.Context) words {
	host := networkHost(err, c)
	if host == "" {
		return words{}
	}
	return words{detail: "The host is " + redact.Printable(host) + "."}
}
