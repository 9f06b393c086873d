package orchestrator

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// upload sends one artifact, going on at committed_size after every broken stream.
type upload struct {
	service      pb.ArtifactServiceClient
	stallTimeout time.Duration
	source       *measured
	config       uploadConfig
	// id is the same for every try, so that the server knows what it has.
	id string
}

// run returns once the artifact is complete, and whether the tenant had it already. It gives up
// after stallTimeout without a newly committed byte.
func (u *upload) run(ctx context.Context) (alreadyExisted bool, err error) {
	var committed int64
	movedAt := time.Now()
	for tries := 0; ; tries++ {
		// The first try knows that nothing is committed; later ones ask.
		var offset int64
		if tries > 0 {
			var answer *pb.QueryUploadResponse
			answer, err = u.service.QueryUpload(ctx,
				&pb.QueryUploadRequest{UploadId: u.id, Digest: u.source.digest})
			if answer.GetComplete() {
				return false, nil
			}
			offset = answer.GetCommittedSize()
		}
		if err == nil && offset > committed {
			committed, movedAt, tries = offset, time.Now(), 1
		}
		if err == nil {
			alreadyExisted, err = u.send(ctx, offset)
		}
		if err == nil {
			return alreadyExisted, nil
		}
		if ctx.Err() != nil {
			return false, callEnded(ctx, nil)
		}
		failure := toError(err)
		// Asking again cures an offset that does not fit, and chunks that ended for the server
		// only: here they end with the last byte. Waiting cures the rest.
		isCurable := failure.isRetryable || failure.Reason == "UPLOAD_OFFSET_MISMATCH" ||
			failure.Reason == "UPLOAD_INCOMPLETE"
		if !isCurable || time.Since(movedAt) > u.stallTimeout {
			return false, failure
		}
		if !pause(ctx, callBackoff(tries, failure.RetryAfter)) {
			return false, callEnded(ctx, failure)
		}
		err = nil
	}
}

func (u *upload) send(ctx context.Context, offset int64) (alreadyExisted bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := u.service.UploadArtifact(ctx)
	if err != nil {
		return false, err
	}
	err = u.sendAll(stream, offset)
	if unreadable, ok := errors.AsType[*Error](err); ok {
		return false, unreadable
	}
	// A stream that the server has ended says EOF here; how it ended is in the answer.
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	response, err := stream.CloseAndRecv()
	return response.GetAlreadyExisted(), err
}

type uploadStream = grpc.ClientStreamingClient[pb.UploadArtifactRequest, pb.UploadArtifactResponse]

func (u *upload) sendAll(stream uploadStream, offset int64) error {
	err := stream.Send(&pb.UploadArtifactRequest{
		Message: &pb.UploadArtifactRequest_Header{Header: &pb.UploadHeader{
			UploadId:    u.id,
			Digest:      u.source.digest,
			SizeBytes:   u.source.size,
			MediaType:   u.config.mediaType,
			WriteOffset: offset,
		}},
	})
	for err == nil && offset < u.source.size {
		var chunk []byte
		if chunk, err = u.source.chunk(offset); err != nil {
			return err
		}
		err = stream.Send(&pb.UploadArtifactRequest{
			Message: &pb.UploadArtifactRequest_Chunk{Chunk: chunk},
		})
		if err == nil {
			offset += int64(len(chunk))
			if u.config.onProgress != nil {
				u.config.onProgress(offset, u.source.size)
			}
		}
	}
	return err
}
