package orchestrator

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"os"
	"time"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// Download writes an artifact's bytes to w, going on where a broken stream ended. It returns
// DIGEST_MISMATCH at the end when they are not the artifact: trust nothing before it returned
// nil. Errors: ARTIFACT_NOT_FOUND, DIGEST_MISMATCH, and w's own, which can be unwrapped.
func (a *Artifacts) Download(ctx context.Context, digest string, w io.Writer) error {
	d := &download{service: a.service, digest: digest, to: w, hasher: sha256.New(), size: -1}
	movedAt := time.Now()
	for tries := 0; d.offset != d.size; tries++ {
		before := d.offset
		err := d.once(ctx)
		if err == nil {
			continue
		}
		if d.offset > before {
			movedAt, tries = time.Now(), 0
		}
		if ctx.Err() != nil {
			return callEnded(ctx, nil)
		}
		failure := toError(err)
		if !failure.isRetryable || time.Since(movedAt) > a.stallTimeout {
			return failure
		}
		if !pause(ctx, callBackoff(tries, failure.RetryAfter)) {
			return callEnded(ctx, failure)
		}
	}
	if found := digestOf(d.hasher); found != digest {
		return mismatch(digest, found)
	}
	return nil
}

// DownloadBytes returns an artifact's bytes, verified. Errors: as [Artifacts.Download].
func (a *Artifacts) DownloadBytes(ctx context.Context, digest string) ([]byte, error) {
	var buffer bytes.Buffer
	if err := a.Download(ctx, digest, &buffer); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}

// DownloadFile writes an artifact to a file that appears complete and verified, or not at all:
// into a neighbour first, synced, then renamed over path. Errors: as [Artifacts.Download].
func (a *Artifacts) DownloadFile(ctx context.Context, digest, path string) (err error) {
	part := path + "." + newID() + ".part"
	file, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return fileError(path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(part)
		}
	}()
	err = a.Download(ctx, digest, file)
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(part, path)
	}
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return fileError(path, err)
}

func fileError(path string, err error) *Error {
	return newError(CodeFailedPrecondition, "FILE_UNWRITABLE", "cannot write %s: %v", path, err).
		with("path", path).because(err)
}

func mismatch(digest, found string) *Error {
	return newError(CodeDataLoss, ReasonDigestMismatch, "what came for %s has the digest %s",
		digest, found).with("expected", digest).with("found", found)
}

// download is one artifact on its way; size is −1 until it is known.
type download struct {
	service      pb.ArtifactServiceClient
	digest       string
	to           io.Writer
	hasher       hash.Hash
	offset, size int64
}

// once follows one stream to its end.
func (d *download) once(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := d.service.DownloadArtifact(ctx,
		&pb.DownloadArtifactRequest{Digest: d.digest, Offset: d.offset})
	if err != nil {
		return err
	}
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if artifact := response.GetArtifact(); artifact != nil {
			d.size = artifact.GetSizeBytes()
		}
		if err := d.take(response.GetChunk()); err != nil {
			return err
		}
	}
	if d.size < 0 || d.offset < d.size {
		return newError(CodeUnavailable, ReasonConnectionFailed, "the stream of %s ended early",
			d.digest)
	}
	return nil
}

func (d *download) take(chunk []byte) error {
	d.hasher.Write(chunk)
	d.offset += int64(len(chunk))
	if d.size >= 0 && d.offset > d.size {
		return mismatch(d.digest, "a longer stream")
	}
	if _, err := d.to.Write(chunk); err != nil {
		return newError(CodeFailedPrecondition, "FILE_UNWRITABLE", "cannot write: %v", err).
			because(err)
	}
	return nil
}
