package orchestrator

import (
	"context"
	"slices"
	"time"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// Artifacts are the bytes that jobs produce or read, named by their SHA-256. Safe for concurrent
// use.
type Artifacts struct {
	service pb.ArtifactServiceClient
	// stallTimeout bounds a stall, not a whole transfer.
	stallTimeout time.Duration
}

// Artifact is an artifact that the server has; usable as a job's payload.
type Artifact struct {
	// Digest is "sha256:" and 64 lower-case hexadecimal digits.
	Digest string
	// SizeBytes is the size.
	SizeBytes int64
	// MediaType is what this upload said; an earlier one may have said otherwise.
	MediaType string
	// AlreadyExisted: the tenant had it and nothing was sent.
	AlreadyExisted bool
}

// UploadOption goes with an upload.
type UploadOption func(*uploadConfig)

type uploadConfig struct {
	mediaType  string
	onProgress func(sentBytes, totalBytes int64)
}

// WithMediaType is the artifact's media type; "application/octet-stream" unless told.
func WithMediaType(mediaType string) UploadOption {
	return func(c *uploadConfig) { c.mediaType = mediaType }
}

// WithUploadProgress is called after each chunk; it steps back when a broken upload is resumed.
func WithUploadProgress(f func(sentBytes, totalBytes int64)) UploadOption {
	return func(c *uploadConfig) { c.onProgress = f }
}

// FindMissing returns those of up to 1,000 digests that the tenant does not have, in order.
func (a *Artifacts) FindMissing(ctx context.Context, digests ...string) ([]string, error) {
	request := &pb.FindMissingArtifactsRequest{Digests: digests}
	response, err := withRetries(ctx, a.stallTimeout,
		func(ctx context.Context) (*pb.FindMissingArtifactsResponse, error) {
			return a.service.FindMissingArtifacts(ctx, request)
		})
	return response.GetMissingDigests(), err
}

// Upload sends a source unless the tenant has it already. A broken stream is resumed where the
// server's committed bytes end. Errors: DIGEST_MISMATCH, DISK_FULL, FILE_CHANGED,
// FILE_UNREADABLE.
func (a *Artifacts) Upload(
	ctx context.Context, source ArtifactSource, options ...UploadOption,
) (*Artifact, error) {
	config := uploadConfig{mediaType: mediaTypeBytes}
	for _, option := range options {
		option(&config)
	}
	m, err := source.measure(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = m.closer.Close() }() // Opened for reading: nothing can be lost.
	artifact := &Artifact{Digest: m.digest, SizeBytes: m.size, MediaType: config.mediaType}
	missing, err := a.FindMissing(ctx, m.digest)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(missing, m.digest) {
		artifact.AlreadyExisted = true
		return artifact, nil
	}
	u := &upload{service: a.service, stallTimeout: a.stallTimeout, source: m, config: config,
		id: newID()}
	artifact.AlreadyExisted, err = u.run(ctx)
	if err != nil {
		return nil, err
	}
	return artifact, nil
}
