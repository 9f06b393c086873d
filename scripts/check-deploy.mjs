// Whether deploy/ fits the server and itself. Tools that know the formats (docker compose,
// kubeconform, haproxy) are asked where they are; what they cannot know is checked here in any
// case: settings, ports, graces, budgets, metrics. `npm run check -- deploy` runs it, or
// node scripts/check-deploy.mjs.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, parseAllDocuments } from "yaml";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const APP = { "app.kubernetes.io/name": "orchestrator", "app.kubernetes.io/component": "server" };
const HEALTH_PATH = "/healthz";

/** The texts that are checked, by what they are. */
export function readDeployment(root = ROOT) {
  const read = (...path) => readFileSync(join(root, ...path), "utf8");
  return {
    compose: read("deploy", "compose.yaml"),
    envExample: read("deploy", ".env.example"),
    dockerfile: read("deploy", "Dockerfile"),
    kubernetes: read("deploy", "kubernetes.yaml"),
    config: read("server", "src", "config.ts"),
    main: read("server", "src", "main.ts"),
    metrics: read("server", "src", "http", "metrics.ts"),
    probes: read("server", "src", "http", "probe-routes.ts"),
  };
}

/** What is wrong with a deployment, a sentence each. */
export function deploymentFindings(texts) {
  const findings = [];
  const must = (holds, sentence) => {
    if (!holds) findings.push(sentence);
  };
  const facts = serverFacts(texts, must);
  dockerfile(texts.dockerfile, facts, must);
  compose(texts, facts, must);
  kubernetes(texts.kubernetes, facts, must);
  return findings;
}

/** What the server says about itself in its source. */
function serverFacts({ config, main, metrics, probes }, must) {
  const settings = new Set([...config.matchAll(/^ {4}env: "([A-Z_]+)"/gm)].map(([, env]) => env));
  const stuckMs = Number(/STUCK_AFTER_MS = ([\d_]+)/.exec(main)?.[1]?.replaceAll("_", ""));
  const exported = new Set([...metrics.matchAll(/name: "(orch_\w+)"/g)].map(([, name]) => name));
  must(settings.size > 10, "config.ts: its settings are not found any more");
  must(stuckMs > 0, "main.ts: STUCK_AFTER_MS is not found any more");
  must(exported.size > 5, "http/metrics.ts: its metrics are not found any more");
  must(probes.includes(`"${HEALTH_PATH}"`), `http/probe-routes.ts: ${HEALTH_PATH} is not served`);
  return { settings, stuckSeconds: stuckMs / 1_000, exported };
}

function dockerfile(text, { settings }, must) {
  for (const [, image] of text.matchAll(/^FROM (\S+)/gm)) pinned("Dockerfile", image, must);
  for (const [, name] of text.matchAll(/^\s*(?:ENV )?(ORCH_\w+)=/gm)) {
    must(settings.has(name), `Dockerfile: ${name} is no setting`);
  }
  const user = [...text.matchAll(/^USER (\S+)/gm)].at(-1)?.[1];
  must(user !== undefined && user !== "root" && user !== "0", "Dockerfile: runs as root");
  must(/^CMD \[/m.test(text), "Dockerfile: CMD is a shell's, which swallows signals");
  must(text.includes(HEALTH_PATH), `Dockerfile: the health check does not ask ${HEALTH_PATH}`);
  const copied = [...text.matchAll(/^COPY (?!--)(\S+)/gm)].map(([, path]) => path);
  for (const path of ["package.json", "server/src", "server/migrations"]) {
    must(copied.includes(path), `Dockerfile: ${path} is not copied`);
  }
}

function compose({ compose: text, envExample }, { settings, stuckSeconds }, must) {
  const { services = {}, volumes = {}, configs = {} } = parse(text);
  const say = (holds, sentence) => must(holds, `compose.yaml: ${sentence}`);
  const offered = new Set([...envExample.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name));
  for (const [, name] of text.matchAll(/(?<!\$)\$\{([A-Z_]+)/g)) {
    say(offered.has(name), `${name} is not in .env.example`);
  }
  for (const [name, service] of Object.entries(services)) {
    pinned(`compose.yaml: ${name}`, service.image ?? "", must);
    say(service.restart !== undefined, `${name} is not started again`);
    for (const volume of service.volumes ?? []) {
      const [source] = String(volume).split(":");
      say(source in volumes, `${name} mounts ${source}, which is no volume of the file`);
    }
    for (const { source } of service.configs ?? []) {
      say(source in configs, `${name} wants the config ${source}`);
    }
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      say(other in services, `${name} depends on ${other}, which is not there`);
      const checked = services[other]?.healthcheck !== undefined;
      say(condition !== "service_healthy" || checked, `${other} has no health check`);
    }
  }
  const { server, postgres, valkey, balancer } = services;
  say(server && postgres && valkey, "server, postgres and valkey must be there");
  const env = server?.environment ?? {};
  for (const name of Object.keys(env)) say(settings.has(name), `${name} is no setting`);
  say((server?.deploy?.replicas ?? 1) >= 3, "fewer than three replicas");
  say(server?.ports === undefined, "replicas cannot share a published port");
  const needed = Number(env.ORCH_DRAIN_GRACE) + stuckSeconds;
  const grace = seconds(server?.stop_grace_period);
  say(grace > Number(env.ORCH_DRAIN_GRACE), "the stop grace is not longer than the drain grace");
  say(
    grace >= needed + 5,
    `a stop that hangs is cut after ${needed} s, docker kills at ${grace} s`,
  );
  const check = JSON.stringify(server?.healthcheck?.test ?? "");
  say(check.includes(`:${env.ORCH_PORT}${HEALTH_PATH}`), "the health check asks elsewhere");
  for (const [setting, service] of [
    ["DATABASE_URL", "postgres"],
    ["ORCH_VALKEY_URL", "valkey"],
  ]) {
    say(String(env[setting]).includes(`@${service}:`), `${setting} does not lead to ${service}`);
  }
  const routes = configs.balancer?.content ?? "";
  say(routes.includes(` server:${env.ORCH_PORT} `), "the balancer leads to another port");
  say(routes.includes(`GET ${HEALTH_PATH}`), `the balancer does not ask ${HEALTH_PATH}`);
  say(balancer?.ports?.length === 1, "one port is published, the balancer's");
}

function kubernetes(text, facts, must) {
  const say = (holds, sentence) => must(holds, `kubernetes.yaml: ${sentence}`);
  const documents = parseAllDocuments(text);
  const broken = documents.flatMap(({ errors }) => errors);
  for (const error of broken) say(false, error.message);
  if (broken.length > 0) return;
  const objects = documents.map((document) => document.toJS());
  const find = (kind, name = "orchestrator") =>
    objects.find((one) => one.kind === kind && one.metadata.name === name);
  for (const { apiVersion, kind, metadata } of objects) {
    say(apiVersion && kind && metadata?.name, "an object without apiVersion, kind or name");
  }
  const deployment = find("Deployment");
  const pod = deployment?.spec.template.spec;
  const server = pod?.containers[0];
  say(server !== undefined, "there is no Deployment with a container");
  if (server === undefined) return;
  images(objects, must);
  selectors(objects, say);
  settingsOf(server, find, facts, say);
  stops(pod, server, find("ConfigMap")?.data ?? {}, facts, say);
  probes(server, find("ConfigMap")?.data ?? {}, say);
  hardening(pod, server, say);
  scaling(deployment, find("PodDisruptionBudget"), find("HorizontalPodAutoscaler"), facts, say);
  storage(objects, say);
}

function images(objects, must) {
  for (const { kind, metadata, spec } of objects) {
    for (const { image } of spec?.template?.spec?.containers ?? []) {
      pinned(`kubernetes.yaml: ${kind} ${metadata.name}`, image ?? "", must);
    }
  }
}

/** Every selector must fit the labels of some pod template. */
function selectors(objects, say) {
  const pods = objects.flatMap(({ spec }) => spec?.template?.metadata?.labels ?? []);
  const fits = (selector) =>
    pods.some((labels) => Object.entries(selector).every(([key, value]) => labels[key] === value));
  for (const { kind, metadata, spec } of objects) {
    const selector =
      spec?.selector?.matchLabels ?? (kind === "Service" ? spec.selector : undefined);
    if (selector === undefined) continue;
    say(fits(selector), `${kind} ${metadata.name} selects no pod of this file`);
  }
  for (const { metadata, spec } of objects.filter(({ kind }) => kind === "Service")) {
    const names = objects.flatMap(({ spec: other }) =>
      (other?.template?.spec?.containers ?? []).flatMap(({ ports = [] }) =>
        ports.map(({ name }) => name),
      ),
    );
    for (const { targetPort } of spec.ports) {
      say(names.includes(targetPort), `Service ${metadata.name} leads to no port: ${targetPort}`);
    }
  }
}

function settingsOf(server, find, { settings }, say) {
  const secret = Object.keys(find("Secret")?.stringData ?? {});
  const config = Object.keys(find("ConfigMap")?.data ?? {});
  const own = (server.env ?? []).map(({ name }) => name);
  for (const name of [...config, ...own]) say(settings.has(name), `${name} is no setting`);
  for (const { valueFrom } of server.env ?? []) {
    const key = valueFrom?.secretKeyRef?.key;
    say(key === undefined || secret.includes(key), `the Secret has no ${key}`);
  }
  for (const name of ["DATABASE_URL", "ORCH_VALKEY_URL"]) {
    say(own.includes(name), `${name} must come from the Secret`);
    say(!config.includes(name), `${name} must not be in the ConfigMap`);
  }
}

function stops(pod, server, config, { stuckSeconds }, say) {
  const drain = Number(config.ORCH_DRAIN_GRACE);
  const before = server.lifecycle?.preStop?.sleep?.seconds ?? 0;
  const needed = before + drain + stuckSeconds;
  const grace = pod.terminationGracePeriodSeconds ?? 30;
  say(drain > 0, "ORCH_DRAIN_GRACE is not set, so nothing can be compared with it");
  say(before > 0, "without preStop connections come to a server that listens no more");
  say(grace >= needed + 5, `a stop may take ${needed} s, the pod is killed after ${grace} s`);
}

function probes(server, config, say) {
  const port = Number(config.ORCH_PORT);
  const named = server.ports?.find(({ containerPort }) => containerPort === port)?.name;
  say(named !== undefined, `no containerPort is ORCH_PORT (${port})`);
  for (const [kind, path] of [
    ["startupProbe", undefined],
    ["livenessProbe", undefined],
    ["readinessProbe", HEALTH_PATH],
  ]) {
    const probe = server[kind];
    const target = probe?.httpGet?.port ?? probe?.grpc?.port;
    say(target === port || target === named, `${kind} asks another port`);
    say(probe?.httpGet?.path === path, `${kind} must ask ${path ?? "grpc.health.v1"}`);
  }
}

function hardening(pod, server, say) {
  say(pod.securityContext?.runAsNonRoot === true, "runs as root");
  say(server.securityContext?.allowPrivilegeEscalation === false, "may gain privileges");
  say(server.securityContext?.readOnlyRootFilesystem === true, "may write to its image");
  say(server.resources?.requests?.cpu !== undefined, "no CPU is requested: the HPA cannot work");
  say(server.resources?.limits?.memory !== undefined, "no limit of memory");
  const spread = pod.topologySpreadConstraints ?? [];
  for (const { labelSelector } of spread) {
    const own = JSON.stringify(labelSelector?.matchLabels) === JSON.stringify(APP);
    say(own, "topologySpreadConstraints counts other pods");
  }
  say(spread.length > 0, "replicas may all be on one node");
}

function scaling(deployment, budget, autoscaler, { exported }, say) {
  const least = Math.min(deployment.spec.replicas, autoscaler?.spec.minReplicas ?? Infinity);
  say(least >= 3, "fewer than three replicas");
  say(budget?.spec.minAvailable < least, "the PodDisruptionBudget lets no node be drained");
  say(budget?.spec.minAvailable > 0, "the PodDisruptionBudget lets all replicas go at once");
  const { scaleTargetRef, maxReplicas, minReplicas, metrics = [] } = autoscaler?.spec ?? {};
  say(scaleTargetRef?.name === deployment.metadata.name, "the HPA scales something else");
  say(maxReplicas > minReplicas, "the HPA cannot scale");
  const names = metrics.flatMap(({ pods }) => pods?.metric.name ?? []);
  say(names.length > 0, "the HPA looks at no metric of ours");
  for (const name of names) say(exported.has(name), `/metrics has no ${name}`);
  const path = deployment.spec.template.metadata.annotations?.["prometheus.io/path"];
  say(path === "/metrics", "nobody is told to scrape /metrics");
}

function storage(objects, say) {
  const claims = objects.filter(({ kind }) => kind === "PersistentVolumeClaim");
  for (const { spec } of objects) {
    for (const { persistentVolumeClaim } of spec?.template?.spec?.volumes ?? []) {
      if (persistentVolumeClaim === undefined) continue;
      const claim = claims.find(
        ({ metadata }) => metadata.name === persistentVolumeClaim.claimName,
      );
      const modes = claim?.spec.accessModes ?? [];
      say(modes.includes("ReadWriteMany"), "replicas cannot share a volume that is not RWX");
    }
  }
}

function pinned(where, image, must) {
  const tag = /:([^/:@]+)(@sha256:[0-9a-f]{64})?$/.exec(image)?.[1];
  must(tag !== undefined && tag !== "latest", `${where}: the image "${image}" has no tag`);
  // A name is resolved where it is used; a host in it would be somebody's own registry.
  must(!/^[^/]*[.:][^/]*\//.test(image), `${where}: "${image}" names a registry`);
}

function seconds(duration) {
  const [, minutes = "0", rest = "0"] = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(duration ?? "") ?? [];
  return Number(minutes) * 60 + Number(rest);
}

/** Asks the tools that know the formats; answers what they say, and which are not here. */
export function askTools(texts, root = ROOT) {
  const findings = [];
  const leftOut = [];
  const deploy = join(root, "deploy");
  const folder = mkdtempSync(join(tmpdir(), "orch-deploy-"));
  const ask = (name, has, command, env = {}) => {
    if (run(has).status !== 0) return void leftOut.push(name);
    const { status, stdout, stderr } = run(command, env);
    if (status !== 0) findings.push(`${name}: ${stderr}${stdout}`.trim());
  };
  try {
    const example = Object.fromEntries(
      [...texts.envExample.matchAll(/^(\w+)=$/gm)].map(([, name]) => [name, "example"]),
    );
    const file = join(deploy, "compose.yaml");
    const config = ["docker", "compose", "-f", file, "config", "--quiet"];
    ask("docker compose", ["docker", "compose", "version"], config, example);
    const manifest = join(deploy, "kubernetes.yaml");
    ask("kubeconform", ["kubeconform", "-v"], ["kubeconform", "-strict", "-summary", manifest]);
    const routes = join(folder, "haproxy.cfg");
    writeFileSync(routes, parse(texts.compose).configs.balancer.content);
    ask("haproxy", ["haproxy", "-v"], ["haproxy", "-c", "-f", routes]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { findings, leftOut };
}

function run([program, ...args], env = {}) {
  return spawnSync(program, args, { encoding: "utf8", env: { ...process.env, ...env } });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const texts = readDeployment();
  const { findings, leftOut } = askTools(texts);
  const all = [...deploymentFindings(texts), ...findings];
  for (const finding of all) console.error(finding);
  for (const tool of leftOut) console.log(`LEFT OUT deploy/ with ${tool}: it is not here`);
  if (all.length === 0) console.log("deploy/ fits the server and itself");
  process.exitCode = all.length === 0 ? 0 : 1;
}
