import { expect, test } from "vitest";
import { at, scanFixture, scanOnly } from "../testing/fixtures.ts";
import { parseRequirement, pinnedVersion } from "./pep508.ts";
import { scanPyproject } from "./pyproject.ts";
import { scanRequirements } from "./requirements.ts";

const requirements = async () => {
  const found = (await scanFixture("requirements")).find((i) => i.manifest === "requirements.txt");
  if (found === undefined) throw new Error("requirements.txt was not discovered");
  return found;
};

test("a pinned requirement keeps extras, marker and the digests of its files", async () => {
  const requests = at(await requirements(), "pkg:pypi/requests@2.32.3");
  expect(requests.hashes).toEqual([]);
  const names = requests.properties.map((property) => property.name.replace(/^.*:/, ""));
  expect(names).toEqual(["extra", "extra", "marker", "sha256", "sha256"]);
});

test("the digest of a single file is the component's hash", async () => {
  const [hash] = at(await requirements(), "pkg:pypi/six@1.16.0").hashes;
  expect(hash?.content).toBe("8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254");
});

test("includes are followed, in a circle too, and constraints pin but do not require", async () => {
  const { components } = await requirements();
  const refs = components.map((component) => component.ref);
  expect(refs).toContain("pkg:pypi/typing-extensions@4.12.2");
  expect(refs).toContain("pkg:pypi/urllib3@2.2.2");
  expect(refs.join()).not.toContain("never-installed");
});

test("a range pins no version and is kept as it is", async () => {
  expect(at(await requirements(), "pkg:pypi/django")).toMatchObject({
    properties: [{ name: "stellaops:python:specifier", value: ">=4.2,<5" }],
  });
});

test("URLs are kept, and what has no name is said", async () => {
  const inventory = await requirements();
  const refs = inventory.components.map((component) => component.ref).join(" ");
  expect(refs).toContain("example-tool?vcs_url=");
  expect(refs).toContain("other-tool?download_url=");
  expect(inventory.warnings).toEqual([
    "requirements.txt:13: ./local-package has no name, left out",
  ]);
});

test.each([
  ["-r gone.txt", "requirements.txt:1: gone.txt does not exist"],
  ["\n\na==1 --hash=sha256:00", "requirements.txt:3: not a SHA-256"],
  ["a==1 \\\n  b", 'requirements.txt:1: unexpected "b" after a'],
  ["a==1 ;", "an empty marker after a"],
  ["a (>=1", 'unexpected "(>=1" after a'],
])("%j is refused", (content, message) => {
  const scan = () => scanRequirements("requirements.txt", new Map([["requirements.txt", content]]));
  expect(scan).toThrow(message);
});

test("an include that leaves the scanned folder is said, not read", () => {
  const texts = new Map([["requirements.txt", "-r ../other.txt\nsix==1.16.0\n"]]);
  expect(scanRequirements("requirements.txt", texts).warnings).toEqual([
    "requirements.txt:1: ../other.txt is outside of the scanned folder",
  ]);
});

test.each([
  ["name", { name: "name", specifier: "" }],
  ["A.b-C_d [x , y] (>= 1.0, != 1.1)", { extras: ["x", "y"], specifier: ">=1.0,!=1.1" }],
  ["a===1.0+local", { specifier: "===1.0+local" }],
  ["a @ https://e.org/a.zip ; os_name == 'nt'", { url: "https://e.org/a.zip" }],
])("%s is a requirement", (source, expected) => {
  expect(parseRequirement(source)).toMatchObject(expected);
});

test("only == without a wildcard pins", () => {
  expect(pinnedVersion("==1.2")).toBe("1.2");
  expect(pinnedVersion("==1.*")).toBeUndefined();
  expect(pinnedVersion("==1.2,<2")).toBeUndefined();
  expect(pinnedVersion(">=1.2")).toBeUndefined();
});

test("PEP 621: dependencies, extras, groups and build requirements", async () => {
  const inventory = await scanOnly("pyproject-pep621");
  expect(at(inventory, "local:pyproject.toml")).toMatchObject({ name: "ingest", version: "0.9.1" });
  const uses = Object.fromEntries(inventory.components.map((c) => [c.name, c.use]));
  expect(uses).toMatchObject({
    httpx: "required",
    pydantic: "required",
    asyncpg: "optional",
    pytest: "development",
    ruff: "development",
    hatchling: "development",
  });
});

test("Poetry: exact versions, ranges, git, folders, several constraints", async () => {
  const inventory = await scanOnly("pyproject-poetry");
  const refs = inventory.components.map((component) => component.ref);
  expect(refs).toContain("pkg:pypi/click@8.1.7");
  expect(refs).toContain("pkg:pypi/boto3");
  expect(refs).toContain("pkg:pypi/numpy@1.26.4");
  expect(refs).toContain("pkg:pypi/numpy@2.0.0");
  expect(refs).toContain("local:pyproject.toml#../shared");
  expect(refs.join()).toContain("queue-client?vcs_url=git%2Bhttps");
  expect(refs.join()).not.toContain("pkg:pypi/python");
  expect(at(inventory, "pkg:pypi/black").use).toBe("development");
});

test.each([
  ["project = 1", "[project] should be an object"],
  ["[project]\ndependencies = [1]", "an item of project.dependencies should be a text"],
  ['[dependency-groups]\na = [{include-group = "b"}]', "includes b: no such group"],
  ["[tool.poetry.dependencies]\na = 1", "tool.poetry.dependencies.a should be a text or an object"],
])("%j is refused", (content, message) => {
  const scan = () => scanPyproject("pyproject.toml", new Map([["pyproject.toml", content]]));
  expect(scan).toThrow(message);
});
