import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import type { Component, Inventory } from "../component.ts";
import { discover } from "../discovery.ts";
import { scan } from "../handlers/scan.ts";

/** The folder of the fixtures, each a small tree of manifests. */
export const FIXTURES = path.resolve(import.meta.dirname, "../../fixtures");

/** Discovers and scans a fixture, as the jobs would; the inventories in discovery's order. */
export async function scanFixture(name: string): Promise<Inventory[]> {
  const root = path.join(FIXTURES, name);
  const { manifests } = await discover(root);
  return Promise.all(
    manifests.map(({ kind, path: manifest, files }) => scan(root, { kind, manifest, files })),
  );
}

/** The only inventory of a fixture that has one manifest. */
export async function scanOnly(name: string): Promise<Inventory> {
  const [only, ...more] = await scanFixture(name);
  if (only === undefined || more.length > 0) throw new Error(`${name} has not one manifest`);
  return only;
}

/** The component with that ref. */
export function at(inventory: Inventory, ref: string): Component {
  const found = inventory.components.find((component) => component.ref === ref);
  if (found === undefined)
    throw new Error(`no ${ref} in ${inventory.components.map((c) => c.ref).join(", ")}`);
  return found;
}

/** An empty folder that goes when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "orch-demo-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A copy of a fixture in a folder that goes when the test ends. */
export function copyOf(name: string): string {
  const folder = temporaryFolder();
  cpSync(path.join(FIXTURES, name), folder, { recursive: true });
  return folder;
}
