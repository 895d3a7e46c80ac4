package diagnosis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"syscall"
)

// networkCode classifies Go's own errors of the way to a service; empty if it is none of them.
func networkCode(err error) string {
	var (
		dns        *net.DNSError
		verify     *tls.CertificateVerificationError
		authority  x509.UnknownAuthorityError
		host       x509.HostnameError
		record     tls.RecordHeaderError
		alert      tls.AlertError
		operation  *net.OpError
		hasTimeout interface{ Timeout() bool }
	)
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.As(err, &dns):
		return "network-dns"
	case errors.As(err, &verify), errors.As(err, &authority), errors.As(err, &host), errors.As(err, &record), errors.As(err, &alert):
		return "network-tls"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &hasTimeout) && hasTimeout.Timeout():
		return "network-timeout"
	case errors.As(err, &operation), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET):
		return "network-connect"
	default:
		return ""
	}
}
