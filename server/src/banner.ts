/**
 * What a person sees when the server is up: the one address, and three commands to try.
 * `url` is the address, `color` whether the terminal takes it.
 */
export function banner(url: string, color: boolean): string {
  const authority = new URL(url).host;
  const bold = (text: string) => (color ? `\x1b[1m${text}\x1b[22m` : text);
  const dim = (text: string) => (color ? `\x1b[2m${text}\x1b[22m` : text);
  const service = "stellaops.orchestrator.v1.JobService";
  return `
${bold("StellaOps Orchestrator")} is ready at ${bold(url)}

${dim("# what it offers, with grpcurl")}
grpcurl -plaintext ${authority} list

${dim("# a job, with curl")}
curl -s ${url}/${service}/EnqueueJobs -H 'content-type: application/json' \\
  -d '{"jobs":[{"jobType":"demo.hello","payload":"eyJoZWxsbyI6IndvcmxkIn0="}]}'

${dim("# a worker, in TypeScript")}
import { Worker } from "@stellaops/orchestrator";
await new Worker({ url: "${url}", handlers: { "demo.hello": (job) => job.json() } }).run();

${dim("Ctrl-C stops it.")}
`;
}
