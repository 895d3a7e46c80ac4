package story

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/stack"
)

// TestPackage makes the deployment package twice, in two places, unpacks it as Azure does, and starts what came out.
func TestPackage(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the package holds a linux/amd64 program, which cannot be started on " + runtime.GOOS + "/" +
			runtime.GOARCH)
	}
	here := filepath.Join("..", "..", "..")
	first, second := makePackage(t, here), makePackage(t, elsewhere(t, here))
	assert.Equal(t, sha256.Sum256(first), sha256.Sum256(second), "two builds, one hash")

	root := t.TempDir()
	unpack(t, first, root)
	info, err := os.Stat(filepath.Join(root, "handler"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o755), info.Mode().Perm(), "the entry that host.json names can be executed")

	s, err := stack.Start(t.Context(), stack.Options{Dist: root})
	require.NoError(t, err)
	defer func() { assert.NoError(t, s.Close()) }()
	got := send(t, http.MethodGet, s.APIURL()+"/healthz", nil)
	assert.Equal(t, http.StatusOK, got.Status)
	assert.Equal(t, stamp, got.at("version"), "the version is stamped")
	for _, name := range []string{"host.json", "handler"} {
		assert.FileExists(t, filepath.Join(root, name))
	}
	folders, err := filepath.Glob(filepath.Join("..", "..", "..", "functions", "*", "function.json"))
	require.NoError(t, err)
	packed, err := filepath.Glob(filepath.Join(root, "*", "function.json"))
	require.NoError(t, err)
	assert.Len(t, packed, len(folders), "every function is in the package")
	program, err := elf.Open(filepath.Join(root, "handler"))
	require.NoError(t, err)
	defer func() { assert.NoError(t, program.Close()) }()
	libraries, err := program.ImportedLibraries()
	require.NoError(t, err)
	assert.Empty(t, libraries, "the program is static")
}

// stamp is the version of the packages made here; a copy outside git could not find out its own.
const stamp = "package-test"

// elsewhere copies what the package is built of: no path of the machine may get into it.
func elsewhere(t *testing.T, root string) string {
	t.Helper()
	to := t.TempDir()
	for _, folder := range []string{"handler", "functions", filepath.Join(".ci", "pack")} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(to, folder)), 0o700))
		require.NoError(t, os.CopyFS(filepath.Join(to, folder), os.DirFS(filepath.Join(root, folder))))
	}
	for _, file := range []string{"Makefile", "go.mod", "go.sum", "host.json"} {
		raw, err := os.ReadFile(filepath.Join(root, file))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(to, file), raw, 0o600))
	}
	return to
}

func makePackage(t *testing.T, root string) []byte {
	t.Helper()
	to := filepath.Join(t.TempDir(), "dist")
	build := exec.Command("make", "package", "DIST="+to, "VERSION="+stamp)
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	raw, err := os.ReadFile(to + ".zip")
	require.NoError(t, err)
	return raw
}

func unpack(t *testing.T, raw []byte, root string) {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	require.NoError(t, err)
	for _, file := range archive.File {
		to := filepath.Join(root, filepath.FromSlash(file.Name))
		require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o700))
		source, err := file.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(source)
		require.NoError(t, err)
		require.NoError(t, source.Close())
		require.NoError(t, os.WriteFile(to, content, file.Mode().Perm()))
		require.NoError(t, os.Chmod(to, file.Mode().Perm()), "the umask does not count when Azure mounts the package")
	}
}
