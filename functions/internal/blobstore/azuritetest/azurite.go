// Package azuritetest runs Azurite, Microsoft's blob emulator, for tests, over HTTPS and with bearer tokens. Clients
// keep their production URLs: only the transport's dialer leads them to the emulator, and nowhere else. Azurite checks
// neither a token's signature nor any right, so it proves the protocol and its conditions, never authorisation.
package azuritetest

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

// ServiceURL is the blob service URL of the emulator's account, as production would write it.
const ServiceURL = "https://devstoreaccount1.blob.core.windows.net"

const (
	startTimeout = 60 * time.Second // a cold Node on a busy machine
	stopTimeout  = 5 * time.Second
)

// Emulator is a running Azurite with an empty account.
type Emulator struct {
	// Transport leads every host name to the emulator and trusts its certificate.
	Transport *http.Client
	// Credential issues tokens that the emulator takes.
	Credential azcore.TokenCredential
}

// ClientOptions are the options of a blob client of the emulator.
func (e *Emulator) ClientOptions() azcore.ClientOptions {
	return azcore.ClientOptions{Transport: e.Transport}
}

// Start runs an emulator until the test ends. Where Azurite is not installed the test is skipped, and fails in CI.
func Start(t *testing.T) *Emulator {
	t.Helper()
	node, script, err := locate()
	if err != nil {
		unavailable(t, err)
		return nil
	}
	certificate, err := newCertificate(t.TempDir(), time.Now())
	if err != nil {
		t.Fatalf("azuritetest: make a certificate: %v", err)
	}
	address, err := run(t, node, script, certificate)
	if err != nil {
		t.Fatalf("azuritetest: %v", err)
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: certificate.pool, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, address)
		},
		MaxIdleConnsPerHost: 32,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &Emulator{Transport: &http.Client{Transport: transport}, Credential: credential{}}
}

// unavailable skips the test, or fails it where everything must run.
func unavailable(t *testing.T, err error) {
	t.Helper()
	const hint = "install Node.js 20 or later, then run: npm ci --prefix .ci/node"
	if os.Getenv("CI") == "true" {
		t.Fatalf("Azurite is required in CI (%v); %s", err, hint)
	}
	t.Skipf("not run, as it needs Azurite (%v); %s", err, hint)
}

// locate finds Node and the installed Azurite's script, looking for the repository from the working directory upwards.
func locate() (string, string, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return "", "", errors.New("there is no node on PATH")
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", "", errors.New("the working directory is not in the repository")
		}
		dir = parent
	}
	script := filepath.Join(dir, ".ci", "node", "node_modules", "azurite", "dist", "src", "blob", "main.js")
	if _, err := os.Stat(script); err != nil {
		return "", "", errors.New("it is not in .ci/node/node_modules")
	}
	return node, script, nil
}

// run starts the process on a port of its choice and returns its address once it listens.
func run(t *testing.T, node, script string, c *certificate) (string, error) {
	t.Helper()
	// The test's own context ends before its clean-up, which is where the process is asked to end.
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), node, script,
		"--silent", "--disableTelemetry", // otherwise it reports usage to the outside
		"--inMemoryPersistence", "--oauth", "basic",
		"--cert", c.certFile, "--key", c.keyFile, "--blobHost", "127.0.0.1", "--blobPort", "0")
	cmd.Dir = t.TempDir()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start Azurite: %w", err)
	}
	exited := make(chan struct{})
	listening := make(chan string, 1)
	go func() {
		defer close(exited)
		listening <- readAddress(stdout)
		_, _ = io.Copy(io.Discard, stdout) // until the process ends
		_ = cmd.Wait()                     // it ends by our signal: its status means nothing
	}()
	t.Cleanup(func() { stop(cmd.Process, exited) })
	select {
	case address := <-listening:
		if !strings.HasPrefix(address, "127.0.0.1:") {
			return "", fmt.Errorf("start Azurite: it says %q", address)
		}
		return address, nil
	case <-time.After(startTimeout):
		return "", fmt.Errorf("start Azurite: it does not listen after %v", startTimeout)
	}
}

// readAddress reads Azurite's output up to the line that tells where it listens; if it ends before, all of the output
// is returned instead.
func readAddress(output io.Reader) string {
	var seen strings.Builder
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		seen.WriteString(lines.Text() + "\n")
		if _, at, ok := strings.Cut(lines.Text(), "successfully listens on "); ok {
			if u, err := url.Parse(strings.TrimSpace(at)); err == nil {
				return u.Host
			}
		}
	}
	return seen.String()
}

// stop ends the process by its id, politely first.
func stop(p *os.Process, exited <-chan struct{}) {
	_ = p.Signal(syscall.SIGTERM)
	select {
	case <-exited:
	case <-time.After(stopTimeout):
		_ = p.Kill()
		<-exited
	}
}
