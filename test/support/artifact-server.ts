import type pg from "pg";
import { downloadArtifact } from "../../server/src/app/artifacts/download-artifact.ts";
import { findMissing } from "../../server/src/app/artifacts/find-missing.ts";
import { queryUpload } from "../../server/src/app/artifacts/query-upload.ts";
import {
  type UploadPorts,
  uploadArtifact,
} from "../../server/src/app/artifacts/upload-artifact.ts";
import { openBlobFolder } from "../../server/src/blobs/folder.ts";
import { ArtifactService } from "../../server/src/gen/stellaops/orchestrator/v1/artifact_pb.ts";
import {
  artifactSizes,
  findArtifactRow,
  recordArtifact,
} from "../../server/src/ledger/artifacts.ts";
import { openPool } from "../../server/src/ledger/pool.ts";
import { artifactService } from "../../server/src/rpc/artifact-service.ts";
import { errorsInterceptor } from "../../server/src/rpc/interceptors/errors.ts";
import { tenantInterceptor } from "../../server/src/rpc/interceptors/tenant.ts";
import { validationInterceptor } from "../../server/src/rpc/interceptors/validation.ts";
import { type RunningListener, startListener } from "../../server/src/rpc/listener.ts";
import { silentLogger } from "./logger.ts";

/** A server that has nothing but ArtifactService. */
export interface ArtifactServer {
  readonly listener: RunningListener;
  readonly stopping: AbortController;
}

const unlimited: UploadPorts["reserve"] = async () => ({ kind: "reserved", release: () => {} });

/** Serves ArtifactService on a free port, from a ledger and a folder; no quotas unless told. */
export async function startArtifactServer(
  pool: pg.Pool,
  folder: string,
  reserve = unlimited,
): Promise<ArtifactServer> {
  const blobs = openBlobFolder(folder);
  const stopping = new AbortController();
  const find = findArtifactRow(pool);
  const holds = blobs.holds.bind(blobs);
  const service = artifactService({
    findMissing: findMissing({ sizes: artifactSizes(pool), holds }),
    upload: uploadArtifact({
      find,
      holds,
      open: blobs.open.bind(blobs),
      record: recordArtifact(pool),
      reserve,
    }),
    queryUpload: queryUpload({ find, holds, committedSize: blobs.committedSize.bind(blobs) }),
    download: downloadArtifact({ find, holds, read: blobs.read.bind(blobs) }),
    stopping: stopping.signal,
  });
  const listener = await startListener({
    host: "127.0.0.1",
    port: 0,
    maxMessageBytes: 4 * 1024 * 1024,
    routes: (router) => router.service(ArtifactService, service),
    interceptors: [errorsInterceptor(silentLogger), tenantInterceptor(), validationInterceptor()],
    logger: silentLogger,
  });
  return { listener, stopping };
}

// As a process of its own, to be killed: node artifact-server.ts DATABASE_URL FOLDER
const [, script, url, folder] = process.argv;
if (script === import.meta.filename && url !== undefined && folder !== undefined) {
  const pool = openPool({ url, role: "orch_app", maxConnections: 4, onIdleError: () => {} });
  const { listener } = await startArtifactServer(pool, folder);
  process.stdout.write(`${listener.url}\n`);
}
