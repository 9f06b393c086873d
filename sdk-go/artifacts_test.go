package orchestrator_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	orchestrator "stellaops.org/orchestrator/sdk-go"
	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// scriptedArtifacts commits uploads up to a limit per stream and sends what a test says.
type scriptedArtifacts struct {
	pb.UnimplementedArtifactServiceServer
	// cutAfter is how many chunks a stream takes before it breaks; none breaks if 0.
	cutAfter  int
	cut       error // what it breaks with
	committed []byte
	headers   []*pb.UploadHeader
	download  func(*pb.DownloadArtifactRequest,
		grpc.ServerStreamingServer[pb.DownloadArtifactResponse]) error
}

func (a *scriptedArtifacts) FindMissingArtifacts(
	_ context.Context, request *pb.FindMissingArtifactsRequest,
) (*pb.FindMissingArtifactsResponse, error) {
	return &pb.FindMissingArtifactsResponse{MissingDigests: request.GetDigests()}, nil
}

func (a *scriptedArtifacts) QueryUpload(
	context.Context, *pb.QueryUploadRequest,
) (*pb.QueryUploadResponse, error) {
	return &pb.QueryUploadResponse{CommittedSize: int64(len(a.committed))}, nil
}

func (a *scriptedArtifacts) UploadArtifact(
	stream grpc.ClientStreamingServer[pb.UploadArtifactRequest, pb.UploadArtifactResponse],
) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	header := first.GetHeader()
	a.headers = append(a.headers, header)
	for chunks := 0; int64(len(a.committed)) < header.GetSizeBytes(); chunks++ {
		if a.cutAfter > 0 && chunks == a.cutAfter {
			return a.cut
		}
		message, err := stream.Recv()
		if err != nil {
			return err
		}
		a.committed = append(a.committed, message.GetChunk()...)
	}
	return stream.SendAndClose(&pb.UploadArtifactResponse{})
}

func (a *scriptedArtifacts) DownloadArtifact(
	request *pb.DownloadArtifactRequest,
	stream grpc.ServerStreamingServer[pb.DownloadArtifactResponse],
) error {
	return a.download(request, stream)
}

func digest(content []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(content)) }

func facts(size int) *pb.DownloadArtifactResponse {
	return &pb.DownloadArtifactResponse{Message: &pb.DownloadArtifactResponse_Artifact{
		Artifact: &pb.Artifact{SizeBytes: int64(size)},
	}}
}

func chunk(content []byte) *pb.DownloadArtifactResponse {
	return &pb.DownloadArtifactResponse{
		Message: &pb.DownloadArtifactResponse_Chunk{Chunk: content},
	}
}

func TestUploadResumesWhereTheServerIs(t *testing.T) {
	incomplete := &errdetails.ErrorInfo{Reason: "UPLOAD_INCOMPLETE"}
	for name, cut := range map[string]error{
		"cut":        status.Error(codes.Unavailable, "cut"),
		"incomplete": detailed(t, codes.InvalidArgument, incomplete),
	} {
		t.Run(name, func(t *testing.T) { uploadThrough(t, cut) })
	}
}

func uploadThrough(t *testing.T, cut error) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 5<<16) // 5 MiB
	server := &scriptedArtifacts{cutAfter: 2, cut: cut}
	client := scriptedClient(t, services{artifacts: server})
	artifact, err := client.Artifacts().Upload(t.Context(), orchestrator.FromBytes(content))
	if err != nil {
		t.Fatal(err)
	}
	if artifact.Digest != digest(content) || !bytes.Equal(server.committed, content) {
		t.Errorf("%d bytes arrived", len(server.committed))
	}
	var offsets []int64
	for _, header := range server.headers {
		offsets = append(offsets, header.GetWriteOffset())
		if header.GetUploadId() != server.headers[0].GetUploadId() {
			t.Error("the upload id has changed")
		}
	}
	if got := fmt.Sprint(offsets); got != "[0 2097152 4194304]" {
		t.Errorf("the streams began at %s", got)
	}
}

func TestUploadNoticesAFileThatChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, make([]byte, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	client := scriptedClient(t, services{artifacts: &scriptedArtifacts{}})
	_, err := client.Artifacts().Upload(t.Context(), orchestrator.FromFile(path),
		orchestrator.WithUploadProgress(func(int64, int64) { _ = os.Truncate(path, 10) }))
	if !orchestrator.HasReason(err, orchestrator.ReasonSourceChanged) {
		t.Errorf("Upload returned %v", err)
	}
	_, err = client.Artifacts().Upload(t.Context(), orchestrator.FromFile(path+".missing"))
	if !orchestrator.HasReason(err, orchestrator.ReasonSourceUnreadable) ||
		!errors.Is(err, os.ErrNotExist) {
		t.Errorf("Upload returned %v", err)
	}
}

func TestDownloadResumesAndVerifies(t *testing.T) {
	content := []byte("the bytes of an artifact")
	streams := 0
	server := &scriptedArtifacts{download: func(request *pb.DownloadArtifactRequest,
		stream grpc.ServerStreamingServer[pb.DownloadArtifactResponse],
	) error {
		streams++
		rest := content[request.GetOffset():]
		if err := stream.Send(facts(len(content))); err != nil {
			return err
		}
		if streams == 1 {
			if err := stream.Send(chunk(rest[:9])); err != nil {
				return err
			}
			return status.Error(codes.Unavailable, "cut")
		}
		return stream.Send(chunk(rest))
	}}
	client := scriptedClient(t, services{artifacts: server})
	got, err := client.Artifacts().DownloadBytes(t.Context(), digest(content))
	if err != nil || !bytes.Equal(got, content) || streams != 2 {
		t.Errorf("%q (%v) over %d streams", got, err, streams)
	}
	path := filepath.Join(t.TempDir(), "file")
	err = client.Artifacts().DownloadFile(t.Context(), digest([]byte("others")), path)
	if !orchestrator.HasReason(err, orchestrator.ReasonDigestMismatch) ||
		!errors.Is(err, orchestrator.CodeDataLoss) {
		t.Errorf("other bytes returned %v", err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
