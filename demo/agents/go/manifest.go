package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxManifestBytes is the largest file that is read as a manifest.
const maxManifestBytes = 64 << 20

// manifestFile is one file of a manifest, as discovery saw it.
type manifestFile struct {
	// Path is relative to the scanned root, with "/" between its parts.
	Path string `json:"path"`
	// SHA256 is in lower-case hexadecimal.
	SHA256 string `json:"sha256"`
}

// file is the decoded text of one file of a manifest.
type file struct{ path, text string }

// manifestError is a manifest that cannot be understood: the scan of it can never succeed.
type manifestError struct {
	file   string
	line   int // 0 where it is not known
	reason string
}

// Error opens with file:line, so that it can be clicked in a terminal.
func (e *manifestError) Error() string {
	if e.line == 0 {
		return fmt.Sprintf("%s: %s", e.file, e.reason)
	}
	return fmt.Sprintf("%s:%d: %s", e.file, e.line, e.reason)
}

// errChanged: a manifest's file changed, vanished or lies elsewhere than the job says.
var errChanged = errors.New("changed since it was discovered")

// readVerified reads the files of a manifest and checks that they are what discovery saw.
func readVerified(folder string, files []manifestFile) ([]file, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	read := make([]file, 0, len(files))
	for _, f := range files {
		content, err := readManifest(root, f.Path)
		if err != nil {
			return nil, err
		}
		if digest := sha256.Sum256(content); hex.EncodeToString(digest[:]) != f.SHA256 {
			return nil, fmt.Errorf("%s: %w", f.Path, errChanged)
		}
		text, err := decode(f.Path, content)
		if err != nil {
			return nil, err
		}
		read = append(read, file{f.Path, text})
	}
	return read, nil
}

// readManifest reads a plain file under the root, never through a symlink out of it.
func readManifest(root *os.Root, path string) ([]byte, error) {
	local := filepath.FromSlash(path)
	if !filepath.IsLocal(local) {
		return nil, &manifestError{path, 0, "lies outside of the scanned folder"}
	}
	info, err := root.Lstat(local)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, errChanged, err)
	}
	// Opening a pipe that nobody writes to would hang.
	if !info.Mode().IsRegular() {
		return nil, &manifestError{path, 0, "is not a plain file"}
	}
	opened, err := root.Open(local)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, errChanged, err)
	}
	defer func() { _ = opened.Close() }()
	content, err := io.ReadAll(io.LimitReader(opened, maxManifestBytes+1))
	if len(content) > maxManifestBytes {
		reason := fmt.Sprintf("has more than %d bytes", maxManifestBytes)
		return nil, &manifestError{path, 0, reason}
	}
	return content, err
}

// decode decodes UTF-8, or UTF-16 with a byte order mark, as old Windows tools write.
func decode(path string, content []byte) (string, error) {
	if bytes.HasPrefix(content, []byte{0xff, 0xfe}) && len(content)%2 == 0 {
		units := make([]uint16, len(content)/2)
		for i := range units {
			units[i] = binary.LittleEndian.Uint16(content[2*i:])
		}
		content = []byte(string(utf16.Decode(units)))
	}
	if !utf8.Valid(content) {
		return "", &manifestError{path, 0, "is not UTF-8 text"}
	}
	return strings.TrimPrefix(string(content), "\ufeff"), nil
}
