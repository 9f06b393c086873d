package orchestrator

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"os"
	"strconv"
)

// ArtifactSource is what to upload: see [FromBytes], [FromFile] and [FromReaderAt].
type ArtifactSource struct {
	name string
	open func() (io.ReaderAt, int64, io.Closer, error)
}

// FromBytes uploads bytes, which must not be changed meanwhile.
func FromBytes(b []byte) ArtifactSource {
	return FromReaderAt(bytes.NewReader(b), int64(len(b)))
}

// FromReaderAt uploads the first size bytes of r. They are read twice, to be hashed and to be
// sent, and never held in memory.
func FromReaderAt(r io.ReaderAt, size int64) ArtifactSource {
	return ArtifactSource{name: "the reader", open: func() (io.ReaderAt, int64, io.Closer, error) {
		return r, size, io.NopCloser(nil), nil
	}}
}

// FromFile uploads a file. It is read twice, to be hashed and to be sent, and never held in
// memory.
func FromFile(path string) ArtifactSource {
	return ArtifactSource{name: path, open: func() (io.ReaderAt, int64, io.Closer, error) {
		file, err := os.Open(path)
		if err != nil {
			return nil, 0, nil, err
		}
		info, err := file.Stat()
		if err != nil {
			_ = file.Close()
			return nil, 0, nil, err
		}
		return file, info.Size(), file, nil
	}}
}

// measured is a source whose digest and size are known.
type measured struct {
	name   string
	reader io.ReaderAt
	closer io.Closer
	digest string
	size   int64
}

// measure opens and hashes a source. One that changes afterwards is noticed by its size here, or
// by its digest on the server.
func (s ArtifactSource) measure(ctx context.Context) (*measured, error) {
	if s.open == nil {
		return nil, newError(CodeInvalidArgument, ReasonSourceUnreadable, "no source was given")
	}
	reader, size, closer, err := s.open()
	if err != nil {
		return nil, s.unreadable(err)
	}
	hasher := sha256.New()
	from := &attentiveReader{ctx, io.NewSectionReader(reader, 0, size)}
	buffer := make([]byte, contractPolicy.ArtifactChunkBytes)
	n, err := io.CopyBuffer(writerOnly{hasher}, from, buffer)
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		_ = closer.Close()
		if ctx.Err() != nil {
			return nil, callEnded(ctx, nil)
		}
		return nil, s.unreadable(err)
	}
	return &measured{s.name, reader, closer, digestOf(hasher), size}, nil
}

func (s ArtifactSource) unreadable(err error) *Error {
	return newError(CodeFailedPrecondition, ReasonSourceUnreadable, "cannot read %s: %v",
		s.name, err).with("path", s.name).because(err)
}

// chunk reads the next chunk at an offset, into a buffer of its own: grpc may still look at one
// that was sent.
func (m *measured) chunk(offset int64) ([]byte, error) {
	buffer := make([]byte, min(int64(contractPolicy.ArtifactChunkBytes), m.size-offset))
	n, err := m.reader.ReadAt(buffer, offset)
	if n == len(buffer) {
		return buffer, nil
	}
	return nil, newError(CodeFailedPrecondition, ReasonSourceChanged,
		"%s changed while it was uploaded", m.name).
		with("path", m.name).
		with("expectedBytes", strconv.FormatInt(m.size, 10)).
		with("foundBytes", strconv.FormatInt(offset+int64(n), 10)).because(err)
}

// digestOf writes a finished hash as the contract does.
func digestOf(hasher hash.Hash) string { return "sha256:" + hex.EncodeToString(hasher.Sum(nil)) }

// attentiveReader stops reading when its context ends.
type attentiveReader struct {
	ctx context.Context
	io.Reader
}

// Read fails once the context has ended.
func (r *attentiveReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// writerOnly hides other methods, so that copying goes through the buffer given.
type writerOnly struct{ io.Writer }
