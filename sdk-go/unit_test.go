package orchestrator

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

func TestContractLeasePolicy(t *testing.T) {
	policy := ContractLeasePolicy()
	again := overlay(LeasePolicy{}, optionOf())
	if policy != again || policy.LeaseTTL == 0 || policy.Retry.MaxAttempts == 0 {
		t.Errorf("the policy is %+v", policy)
	}
	// Every field of the option has a place here: none is left zero.
	option := optionOf()
	for i := range option.ProtoReflect().Descriptor().Fields().Len() {
		field := option.ProtoReflect().Descriptor().Fields().Get(i)
		without := proto.CloneOf(option)
		without.ProtoReflect().Clear(field)
		if overlay(LeasePolicy{}, without) == policy {
			t.Errorf("%s has no place in LeasePolicy", field.Name())
		}
	}
	if changed := overlay(policy, &pb.LeasePolicy{}); changed != policy {
		t.Errorf("an empty policy changed it to %+v", changed)
	}
}

func TestBackoff(t *testing.T) {
	const lowest, highest = 250 * time.Millisecond, 30 * time.Second
	for _, c := range []struct {
		tries  int
		random float64
		after  time.Duration
		want   time.Duration
	}{
		{0, 1, 0, lowest},
		{1, 0, 0, lowest},
		{1, 1, 0, 2 * lowest},
		{3, 0.5, 0, lowest + (8-1)*lowest/2},
		{1_000, 1, 0, highest},
		{5, 0, time.Minute, time.Minute},
		{5, 1, time.Minute, time.Minute + lowest},
	} {
		if got := backoff(c.tries, lowest, highest, c.after, c.random); got != c.want {
			t.Errorf("backoff(%d, %v, %v) is %v, not %v", c.tries, c.after, c.random, got, c.want)
		}
	}
}

func TestTruncate(t *testing.T) {
	for _, text := range []string{
		"", "short", strings.Repeat("x", 20), "äöüäöüäöü", "\xff\xfe", "日本語日本語",
	} {
		for size := 3; size < 24; size++ {
			got := truncate(text, size)
			if len(got) > size || !utf8.ValidString(got) {
				t.Errorf("truncate(%q, %d) is %q", text, size, got)
			}
			if len(text) <= size && utf8.ValidString(text) && got != text {
				t.Errorf("truncate(%q, %d) is %q", text, size, got)
			}
		}
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		JobSucceeded.String():       "succeeded",
		ClassHTTP429.String():       "http_429",
		RunFailed.String():          "failed",
		OnFailureHold.String():      "hold",
		AttemptInterrupted.String(): "interrupted",
		RetryAlreadyActive.String(): "already_active",
		JobState(99).String():       "99",
		CodeCancelled.String():      "cancelled",
		Code(99).String():           "unknown",
	} {
		if got != want {
			t.Errorf("%q is not %q", got, want)
		}
	}
}

func TestLeaseMovesEndAndAreReachable(t *testing.T) {
	reached := map[leaseState]bool{leaseOffered: true}
	for _, moves := range leaseMoves {
		for _, to := range moves {
			reached[to] = true
		}
	}
	for state := leaseOffered; state <= leaseGone; state++ {
		if !reached[state] {
			t.Errorf("no move leads to %d", state)
		}
		if len(leaseMoves[state]) == 0 && state != leaseGone {
			t.Errorf("no move leads out of %d", state)
		}
	}
}

func TestLeaseTable(t *testing.T) {
	table := newLeaseTable()
	offer := func(epoch int64) *pb.Offer {
		return &pb.Offer{Lease: &pb.LeaseRef{JobId: "j", LeaseEpoch: epoch}}
	}
	older, newer := table.add(offer(1)), table.add(offer(2))
	if table.newest["j"] != newer || table.count(leaseOffered) != 2 {
		t.Error("two leases of a job are not both there")
	}
	if !table.move(older, leaseLost) || older.state != leaseGone || table.move(older, leaseLost) {
		t.Error("a lost offer is not gone for good")
	}
	if table.newest["j"] != newer || len(table.in(leaseOffered)) != 1 {
		t.Error("the newer lease went along")
	}
	if table.move(newer, leaseGaveUp) || newer.state != leaseOffered {
		t.Error("an illegal move was made")
	}
}

func TestOutbox(t *testing.T) {
	const fail = pb.WriteKind_WRITE_KIND_FAIL
	box := newOutbox()
	refs := make([]*pb.LeaseRef, limits.frameItems+1)
	answered := 0
	for i := range refs {
		refs[i] = &pb.LeaseRef{JobId: "j", LeaseEpoch: int64(i + 1)}
		box.add(fail, refs[i], &pb.FailureReport{Lease: refs[i], CompletionId: "c"},
			func(*pb.WriteResult) { answered++ })
	}
	box.add(pb.WriteKind_WRITE_KIND_PROGRESS, refs[0], &pb.ProgressReport{Lease: refs[0]}, nil)
	if box.take(1<<20).GetProgress() == nil {
		t.Error("a checkpoint does not go before its failure")
	}
	first, second := box.take(1<<20).GetFail(), box.take(1<<20).GetFail()
	if len(first.GetFailures()) != limits.frameItems || len(second.GetFailures()) != 1 {
		t.Errorf("frames of %d and %d", len(first.GetFailures()), len(second.GetFailures()))
	}
	if box.take(1<<20) != nil {
		t.Error("something is sent twice")
	}
	other := &pb.WriteResult{Kind: fail, JobId: "j", LeaseEpoch: 1, CompletionId: "other"}
	box.answer(other)
	own := &pb.WriteResult{Kind: fail, JobId: "j", LeaseEpoch: 1, CompletionId: "c"}
	box.answer(own)
	box.answer(own)
	if answered != 1 {
		t.Errorf("%d answers, not 1", answered)
	}
	box.resendOlder(time.Hour)
	if box.take(1<<20) != nil {
		t.Error("something fresh was sent again")
	}
	box.resendOlder(0)
	if frame := box.take(1 << 20); frame.GetFail() == nil || box.take(1<<20) != nil {
		t.Errorf("sent again: %v", frame)
	}
	box.resend()
	box.resend()
	if box.take(1<<20).GetProgress() == nil {
		t.Error("what has no answer is not sent again")
	}
	const small = 200
	frame := box.take(small)
	if len(frame.GetFail().GetFailures()) == 0 || proto.Size(frame) > small {
		t.Errorf("a frame of %d bytes, not at most %d", proto.Size(frame), small)
	}
}

// A report that is answered twice must not take the next one, still unsent, for answered.
func TestOutboxKeepsWhatWasNeverSent(t *testing.T) {
	const progress = pb.WriteKind_WRITE_KIND_PROGRESS
	box, lease := newOutbox(), &pb.LeaseRef{JobId: "j", LeaseEpoch: 1}
	result := &pb.WriteResult{Kind: progress, JobId: "j", LeaseEpoch: 1}
	add := func(onAnswer func(*pb.WriteResult)) {
		box.add(progress, lease, &pb.ProgressReport{Lease: lease}, onAnswer)
	}
	add(func(*pb.WriteResult) {
		add(func(*pb.WriteResult) { t.Error("it was not sent") })
	})
	box.take(1 << 20)
	box.answer(result)
	box.answer(result)
	if box.take(1<<20).GetProgress() == nil {
		t.Error("the next report is lost")
	}
}

func TestFirstBatch(t *testing.T) {
	size := func(n int) int { return n }
	for _, c := range []struct {
		items []int
		want  int
	}{
		{nil, 0},
		{[]int{maxEnqueueBytes + 1, 1}, 1},
		{[]int{1, maxEnqueueBytes}, 1},
		{[]int{1, maxEnqueueBytes - 1}, 2},
		{make([]int, limits.enqueueItems+1), limits.enqueueItems},
	} {
		if got := firstBatch(c.items, size); got != c.want {
			t.Errorf("%d of %d items, not %d", got, len(c.items), c.want)
		}
	}
}

func TestEndpointTargets(t *testing.T) {
	for url, want := range map[string]string{
		"http://host":           "host:80",
		"https://host":          "host:443",
		"http://127.0.0.1:7400": "127.0.0.1:7400",
		"https://[::1]:1/":      "[::1]:1",
		"host:7400":             "",
		"ftp://host":            "",
		"http://":               "",
		"http://\x7f":           "",
	} {
		got, _, err := endpoint{url: url}.target()
		if got != want || (want == "") != HasReason(err, ReasonURLInvalid) {
			t.Errorf("%q dials %q (%v), not %q", url, got, err, want)
		}
	}
}

func TestChildrenInheritTheirParent(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	ctx := withLineage(t.Context(), lineage{
		trace: TraceContext{Traceparent: parent}, correlationID: "c",
	})
	malformed := func(context.Context) TraceContext { return TraceContext{Traceparent: "no"} }
	spec, err := (&JobRequest{Type: "t"}).toSpec(ctx, malformed)
	if err != nil || spec.GetTraceparent() != parent || spec.GetCorrelationId() != "c" {
		t.Errorf("the child is %v (%v)", spec, err)
	}
	spec, err = (&JobRequest{Type: "t", CorrelationID: "own"}).toSpec(ctx, nil)
	if err != nil || spec.GetCorrelationId() != "own" {
		t.Errorf("the child is %v (%v)", spec, err)
	}
}

func TestJobIDsAreOrdered(t *testing.T) {
	ids := make([]string, 1_000)
	for i := range ids {
		ids[i] = newID()
	}
	if !slices.IsSorted(ids) {
		t.Error("ids made one after the other are not in order")
	}
}

func TestProgressIsCoalesced(t *testing.T) {
	a := &agent{changed: func() {}, outbox: newOutbox(), leases: newLeaseTable()}
	lease := a.leases.add(&pb.Offer{Lease: &pb.LeaseRef{JobId: "j", LeaseEpoch: 1}})
	p := &progressReporter{agent: a, lease: lease}
	report := func(fraction float64, checkpoint string) {
		p.report(&pb.Progress{Fraction: fraction, Checkpoint: []byte(checkpoint)}, nil)
	}
	sent := func() []*pb.ProgressReport { return a.outbox.take(1 << 20).GetProgress().GetReports() }
	report(0.1, "a")
	if got := sent(); len(got) != 1 || got[0].GetProgress().GetFraction() != 0.1 {
		t.Fatalf("the first report is %v", got)
	}
	report(0.2, "b")
	report(0.3, "")
	if got := sent(); got != nil {
		t.Fatalf("a second report is on its way: %v", got)
	}
	p.onAnswer(&pb.WriteResult{Verdict: pb.WriteVerdict_WRITE_VERDICT_APPLIED})
	got := sent()
	if len(got) != 1 || got[0].GetProgress().GetFraction() != 0.3 ||
		string(got[0].GetProgress().GetCheckpoint()) != "b" {
		t.Fatalf("the merged report is %v", got)
	}
	report(0.4, "")
	p.flush()
	if got = sent(); len(got) != 1 || string(got[0].GetProgress().GetCheckpoint()) != "b" {
		t.Fatalf("what was on its way unanswered is not repeated: %v", got)
	}
	done := make(chan bool, 1)
	p.report(&pb.Progress{}, done)
	if <-done || sent() != nil {
		t.Error("a closed reporter reports")
	}
}

func TestHandlerErrorsUnwrap(t *testing.T) {
	cause := errors.New("cause")
	for _, err := range []error{
		Terminal(cause), RetryAfter(cause, time.Second), Throttled(cause, "host", time.Second),
		Terminalf("wrapped: %w", cause),
	} {
		if !errors.Is(err, cause) || !strings.Contains(err.Error(), "cause") {
			t.Errorf("%T hides its cause", err)
		}
	}
}
