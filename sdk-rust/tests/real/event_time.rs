use std::time::{Duration, UNIX_EPOCH};

use stellaops_orchestrator::{
    BackfillSpec, BackfillState, ErrorKind, EventWindow, HandlerError, JobContext, JobRequest,
    WindowSeries,
};

use crate::server::client;
use crate::worker::Running;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread")]
async fn success_covers_a_window_and_moves_the_watermark() {
    let tenant = "rust-event-time";
    let source = "osv.dev";
    let origin = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    let orchestrator = client(tenant);
    let (watermarks, backfills) = (orchestrator.watermarks(), orchestrator.backfills());
    let error = watermarks.gaps(source, None).next().await.unwrap_err();
    assert_eq!((error.kind(), error.reason()), (ErrorKind::NotFound, "WINDOW_SERIES_NOT_FOUND"));

    let series = WindowSeries::new(source, HOUR, origin).scope("npm");
    let watermark = watermarks.put_series(series.clone(), "new source").await.unwrap();
    assert_eq!((watermark.series, watermark.watermark), (series, origin));
    assert!(watermark.missing_windows > 1000 && watermark.covered_until.is_none());

    let window = EventWindow::new(origin, origin + HOUR).scope("npm");
    let expected = window.clone();
    let ingest = move |job: JobContext| {
        let is_expected = job.window() == Some(&expected);
        let result = is_expected.then_some(()).ok_or(HandlerError::terminal("another window"));
        async move { result }
    };
    let worker = Running::start(tenant, |worker| worker.handler("rust.ingest", ingest));
    let request = JobRequest::new("rust.ingest").source(source).window(window.clone());
    let job = orchestrator.enqueue(request).await.unwrap();
    let done = orchestrator.wait_for_job(&job.job_id).await.unwrap();
    assert_eq!((done.window.as_ref(), done.state.as_str()), (Some(&window), "succeeded"));
    worker.drain().await;
    let watermark = watermarks.get(source, Some("npm")).await.unwrap();
    assert_eq!(watermark.watermark, origin + HOUR);
    let gap = watermarks.gaps(source, Some("npm")).next().await.unwrap().unwrap();
    assert_eq!(gap.start, origin + HOUR);

    let spec = BackfillSpec::new(source, origin, origin + 4 * HOUR, JobRequest::new("rust.none"))
        .scope("npm")
        .max_parallel(1);
    let preview = backfills.preview(&spec).await.unwrap();
    assert_eq!((preview.windows, preview.covered, preview.jobs), (4, 1, 3));
    assert_eq!(preview.sample[0].start, origin + HOUR);
    let backfill = backfills.create(&spec, "missed").await.unwrap();
    assert_eq!((backfill.windows, backfill.spec.end), (4, origin + 4 * HOUR));
    let id = backfill.backfill_id;
    assert_eq!(backfills.pause(&id, "wait").await.unwrap().state, BackfillState::Paused);
    assert_eq!(backfills.resume(&id, "go on").await.unwrap().state, BackfillState::Running);
    backfills.cancel(&id, "no").await.unwrap();
    let ended = backfills.get(&id).await.unwrap();
    assert_eq!((ended.state, ended.reason.as_str()), (BackfillState::Cancelled, "missed"));
    let error = backfills.pause(&id, "too late").await.unwrap_err();
    assert_eq!(error.reason(), "BACKFILL_FINISHED");
}
