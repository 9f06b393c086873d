import { expect, test } from "vitest";
import { at, scanOnly } from "../testing/fixtures.ts";
import { scanNuget } from "./nuget.ts";

test("a lock file beside the project gives versions, hashes and the graph", async () => {
  const inventory = await scanOnly("nuget-lock");
  expect(inventory.manifest).toBe("Gateway.csproj");
  expect(at(inventory, "local:Gateway.csproj")).toMatchObject({
    name: "Gateway",
    dependsOn: ["local:Gateway.csproj#gateway.core", "pkg:nuget/Serilog.AspNetCore@8.0.1"],
  });
  // Ids differ in case between a package and those that ask for it.
  const serilog = at(inventory, "pkg:nuget/Serilog.AspNetCore@8.0.1");
  expect(serilog.dependsOn).toEqual(["pkg:nuget/Serilog@3.1.1"]);
  expect(serilog.properties[0]?.name).toBe("stellaops:nuget:contentHash");
});

test("a project alone: properties, elements, exact and floating versions", async () => {
  const inventory = await scanOnly("nuget-project");
  const refs = inventory.components.map((component) => component.ref);
  expect(refs).toEqual([
    "local:app/App.csproj",
    "pkg:nuget/Dapper",
    "pkg:nuget/Grpc.Net.Client@2.63.0",
    "pkg:nuget/MinVer@5.0.0",
    "pkg:nuget/Newtonsoft.Json@13.0.3",
    "pkg:nuget/Polly@8.4.0",
  ]);
  expect(at(inventory, "pkg:nuget/MinVer@5.0.0").use).toBe("development");
  expect(at(inventory, "pkg:nuget/Dapper").properties).toEqual([
    { name: "stellaops:nuget:requested", value: "2.1.*" },
  ]);
});

test("central package versions come from the nearest Directory.Packages.props", async () => {
  const { components } = await scanOnly("nuget-central");
  const refs = components.map((component) => component.ref);
  expect(refs).toContain("pkg:nuget/npgsql@8.0.3");
  expect(refs).toContain("pkg:nuget/Serilog@4.0.0");
});

test.each([
  ["A.csproj", "<Projekt/>", "A.csproj: the root element is not Project"],
  ["A.csproj", "<Project><ItemGroup></Project>", "A.csproj:1: not valid XML"],
  ["packages.lock.json", '{"version": 7}', "version is 7, not 1 or 2"],
  ["packages.lock.json", '{"version": 1}', "dependencies should be an object, not missing"],
])("%s with %j is refused", (file, content, message) => {
  expect(() => scanNuget(file, new Map([[file, content]]))).toThrow(message);
});

test("entities of an XML bomb are not expanded", () => {
  const bomb = `<!DOCTYPE p [<!ENTITY a "${"x".repeat(1000)}">${Array.from(
    { length: 12 },
    (_, i) => `<!ENTITY a${i} "${`&a${i === 0 ? "" : i - 1};`.repeat(10)}">`,
  ).join("")}]><Project><PropertyGroup><A>&a11;</A></PropertyGroup></Project>`;
  const started = performance.now();
  try {
    scanNuget("A.csproj", new Map([["A.csproj", bomb]]));
  } catch {
    // Refusing it is as good as leaving the entity alone.
  }
  expect(performance.now() - started).toBeLessThan(2000);
});
