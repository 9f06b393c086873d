import { type PageScope, readPageToken, writePageToken } from "../../domain/page-token.ts";
import { cutPage, pageSizeOf } from "../flow/page.ts";
import type { PipelineHead } from "./stored-pipeline.ts";

/** A page of pipelines. */
export type ListPipelinesResult =
  | {
      readonly kind: "page";
      readonly pipelines: readonly PipelineHead[];
      /** Empty on the last page. */
      readonly nextPageToken: string;
    }
  | { readonly kind: "page_token_invalid" };

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

/** Lists all pipelines, or with a name the versions of one, a page at a time. */
export const listPipelines =
  (ports: ListPipelinesPorts) =>
  async (
    tenant: string,
    name: string,
    pageSize: number,
    pageToken: string,
  ): Promise<ListPipelinesResult> => {
    const page: PageScope = { tenant, list: "pipelines", query: name };
    const position = pageToken === "" ? "" : readPageToken(page, pageToken);
    if (position === undefined) return { kind: "page_token_invalid" };
    const size = pageSizeOf(pageSize);
    const found =
      name === ""
        ? await ports.newest(tenant, position, size + 1)
        : await ports.versions(tenant, name, Number(position) || NO_VERSION, size + 1);
    const { items, continueAfter: last } = cutPage(found, size);
    const next = name === "" ? last?.name : last?.version.toString();
    const nextPageToken = next === undefined ? "" : writePageToken(page, next);
    return { kind: "page", pipelines: items, nextPageToken };
  };
