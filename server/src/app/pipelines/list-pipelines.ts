import { type PageRequest, readPage } from "../page.ts";
import type { PipelineHead } from "./stored-pipeline.ts";

/** What {@link listPipelines} needs. Both answer up to `limit` (1,001 at most). */
export interface ListPipelinesPorts {
  /** The newest versions of those with names after one, by name. */
  readonly newest: (tenant: string, after: string, limit: number) => Promise<PipelineHead[]>;
  /** The versions of one before one, newest first. */
  readonly versions: (
    tenant: string,
    name: string,
    before: number,
    limit: number,
  ) => Promise<PipelineHead[]>;
}

const NO_VERSION = 2 ** 31 - 1;

/** Lists all pipelines, or with a name the versions of one. */
export const listPipelines =
  (ports: ListPipelinesPorts) => (tenant: string, name: string, asked: PageRequest) =>
    readPage(asked, {
      scope: { tenant, list: "pipelines", query: name },
      read: (position, limit) =>
        name === ""
          ? ports.newest(tenant, position, limit)
          : ports.versions(tenant, name, Number(position) || NO_VERSION, limit),
      positionOf: (last) => (name === "" ? last.name : `${last.version}`),
    });
