import pg from "pg";
import type { Lab } from "../lab.ts";
import { startMeter } from "../meter.ts";
import { payloadOf } from "../payload.ts";
import type { Contestant, Sample } from "../workload.ts";
import { BOUND_CONNECTIONS, type Bound, type BoundMeasure } from "./bound.ts";

// The simplest durable queue: one table, a status, a partial index. No history, no fences, no
// tenants kept apart, so it does less than the server promises; it says how far simple gets.
const schema = (payload: string) => `
create table jobs (
  id bigint generated always as identity primary key,
  tenant text not null, job_type text not null, status text not null default 'ready',
  payload bytea not null, created_at timestamptz not null default now(), finished_at timestamptz
);
create index jobs_ready on jobs (id) where status = 'ready';
create procedure bench_enqueue(v_jobs integer, v_batch integer) language plpgsql as $bench$
declare v_left integer := v_jobs;
begin
  while v_left > 0 loop
    insert into jobs (tenant, job_type, payload)
    select 'default', 'bench.noop', convert_to('${payload}', 'UTF8')
    from generate_series(1, least(v_left, v_batch));
    commit;
    v_left := v_left - v_batch;
  end loop;
end $bench$;
`;

const drain = (batch: number) => `
create procedure bench_drain() language plpgsql as $bench$
declare v_ids bigint[];
begin
  loop
    with taken as (
      update jobs set status = 'running' where id in (
        select id from jobs where status = 'ready' order by id limit ${batch}
        for update skip locked
      ) returning id
    )
    select array_agg(id) into v_ids from taken;
    commit;
    exit when v_ids is null;
    update jobs set status = 'done', finished_at = now() where id = any (v_ids);
    commit;
  end loop;
end $bench$`;

const NAME = "bound, one table";

/** The simple design of one table, by procedures inside Postgres, with the same batches. */
export function openOneTable(lab: Lab, workload: string, { measure }: BoundMeasure): Contestant {
  return {
    name: NAME,
    role: "bound",
    async open() {
      const database = `${workload}_one_table`;
      const connectionString = await lab.postgres.createDatabase(database);
      const pool = new pg.Pool({ connectionString, max: BOUND_CONNECTIONS });
      pool.on("error", () => undefined);
      await pool.query(schema(JSON.stringify(payloadOf(0))));
      await pool.query(drain(lab.options.boundBatch));
      const bound = oneTable(lab, pool, connectionString);
      return {
        name: NAME,
        role: "bound",
        measure: () => measure(bound),
        close: async () => {
          await pool.end();
          await lab.postgres.dropDatabase(database);
        },
      };
    },
  };
}

function oneTable(lab: Lab, pool: pg.Pool, url: string): Bound {
  const batch = lab.options.boundBatch;
  const all = (text: string) =>
    Promise.all(Array.from({ length: BOUND_CONNECTIONS }, () => pool.query(text)));
  const fill = (jobs: number) =>
    all(`call bench_enqueue(${Math.ceil(jobs / BOUND_CONNECTIONS)}, ${batch})`);
  const timed = async (jobs: number, work: () => Promise<unknown>): Promise<Sample> => {
    await lab.postgres.checkpoint();
    await pool.query("vacuum (analyze)");
    const meter = await startMeter(lab.postgres, [], url);
    const startedAt = performance.now();
    await work();
    const seconds = (performance.now() - startedAt) / 1000;
    return { metrics: { "jobs/s": jobs / seconds }, ...(await meter.stop(jobs)) };
  };
  return {
    enqueue: (jobs) => timed(jobs, () => fill(jobs)),
    async drain(jobs) {
      await fill(jobs);
      const sample = await timed(jobs, () => all("call bench_drain()"));
      const { rows } = await pool.query(
        "select count(*)::integer as unfinished from jobs where status <> 'done'",
      );
      if (rows[0].unfinished !== 0) throw new Error(`${rows[0].unfinished} jobs were not done`);
      return sample;
    },
  };
}
