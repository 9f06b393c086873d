import type { FlowScope, FlowSettings, PauseSetting } from "../../domain/flow/settings.ts";
import type { Audit } from "../audit.ts";
import { etagOf, type FlowChangeTarget } from "./change.ts";

/** The settings of a scope as the ledger has them. */
export interface StoredSettings {
  readonly scope: FlowScope;
  readonly settings: FlowSettings;
  /** Undefined: nobody has set anything. */
  readonly version: number | undefined;
  readonly updatedAt: Date | undefined;
}

/**
 * What is to become of settings: other ones, or why they stay as they are. It is decided under the
 * lock that puts the changes of a tenant in a row, and may be asked more than once.
 */
export type SettingsDecision =
  | { readonly kind: "write"; readonly settings: FlowSettings }
  | { readonly kind: "keep" }
  | { readonly kind: "etag_mismatch" };

/** What became of a change. */
export type SettingsChanged =
  | { readonly kind: "changed" | "kept"; readonly stored: StoredSettings }
  | { readonly kind: "etag_mismatch" };

/** What the use cases that change settings need. */
export interface ChangeSettingsPorts {
  /** Decides, writes and records in one transaction; settings without a field go away. */
  readonly change: (
    target: FlowChangeTarget,
    decide: (before: StoredSettings) => SettingsDecision,
  ) => Promise<SettingsChanged>;
  /** Called after a change is durable. */
  readonly announce: (tenant: string) => void;
}

/** Replaces the settings of a scope; with an etag only if it is the current one. */
export const updateSettings =
  (ports: ChangeSettingsPorts) =>
  (
    tenant: string,
    scope: FlowScope,
    settings: FlowSettings,
    etag: string,
    audit: Audit,
  ): Promise<SettingsChanged> =>
    changed(ports, { tenant, scope, kind: "settings_updated", ...audit }, (before) => {
      if (etag !== "" && etag !== etagOf(before.version)) return { kind: "etag_mismatch" };
      const nothing = before.version === undefined && Object.keys(settings).length === 0;
      return nothing ? { kind: "keep" } : { kind: "write", settings };
    });

/** Pauses a scope. A repeated call changes nothing and leaves nothing in the history. */
export const pauseScope =
  (ports: ChangeSettingsPorts) =>
  async (
    tenant: string,
    scope: FlowScope,
    pause: PauseSetting,
    audit: Audit,
  ): Promise<StoredSettings> =>
    storedOf(
      await changed(ports, { tenant, scope, kind: "paused", ...audit }, ({ settings }) =>
        settings.pause?.reason === pause.reason && settings.pause.expiresAtMs === pause.expiresAtMs
          ? { kind: "keep" }
          : { kind: "write", settings: { ...settings, pause } },
      ),
    );

/** Ends a pause. Where there is none it changes nothing. */
export const resumeScope =
  (ports: ChangeSettingsPorts) =>
  async (tenant: string, scope: FlowScope, audit: Audit): Promise<StoredSettings> =>
    storedOf(
      await changed(ports, { tenant, scope, kind: "resumed", ...audit }, ({ settings }) => {
        const { pause, ...rest } = settings;
        return pause === undefined ? { kind: "keep" } : { kind: "write", settings: rest };
      }),
    );

async function changed(
  ports: ChangeSettingsPorts,
  target: FlowChangeTarget,
  decide: (before: StoredSettings) => SettingsDecision,
): Promise<SettingsChanged> {
  const result = await ports.change(target, decide);
  if (result.kind === "changed") ports.announce(target.tenant);
  return result;
}

function storedOf(result: SettingsChanged): StoredSettings {
  if (result.kind === "etag_mismatch") throw new Error("nobody asked for an etag");
  return result.stored;
}
