// Command pack makes the deployment package of a folder: a zip whose bytes depend on the files alone, so that two builds
// of one commit have one hash. The entry that host.json names as the handler's executable gets the exec bit, which
// Azure needs and which other zip tools lose.
package main

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: pack FOLDER ZIP")
		os.Exit(2)
	}
	if err := pack(os.DirFS(os.Args[1]), os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func pack(from fs.FS, to string) error {
	executable, err := executableOf(from)
	if err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	hash := sha256.New()
	if err := write(io.MultiWriter(out, hash), from, executable); err != nil {
		return err
	}
	info, err := out.Stat()
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d bytes, sha256 %x\n", to, info.Size(), hash.Sum(nil))
	return out.Close()
}

// executableOf returns the path that host.json names, which must be there.
func executableOf(from fs.FS) (string, error) {
	raw, err := fs.ReadFile(from, "host.json")
	if err != nil {
		return "", err
	}
	var host struct {
		CustomHandler struct {
			Description struct {
				DefaultExecutablePath string `json:"defaultExecutablePath"`
			} `json:"description"`
		} `json:"customHandler"`
	}
	if err := json.Unmarshal(raw, &host); err != nil {
		return "", fmt.Errorf("host.json: %w", err)
	}
	executable := path.Clean(host.CustomHandler.Description.DefaultExecutablePath)
	if _, err := fs.Stat(from, executable); err != nil {
		return "", fmt.Errorf("host.json names an executable that is not there: %w", err)
	}
	return executable, nil
}

// write adds the files in the order of their names, all with the same time.
func write(to io.Writer, from fs.FS, executable string) error {
	archive := zip.NewWriter(to)
	err := fs.WalkDir(from, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		mode := fs.FileMode(0o644)
		if name == executable {
			mode = 0o755
		}
		header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
		header.SetMode(mode)
		file, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		source, err := from.Open(name)
		if err != nil {
			return err
		}
		_, err = io.Copy(file, source)
		if closed := source.Close(); err == nil {
			err = closed
		}
		return err
	})
	if err != nil {
		return err
	}
	return archive.Close()
}
