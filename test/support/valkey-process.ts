import { type ServiceProcess, startService } from "./service-process.ts";

/** How a Valkey is started. */
export interface ValkeyOptions {
  /** A free one unless told. */
  readonly port?: number;
  /**
   * Whether it writes what it answered to its file, so that a restart that is not `empty` has it
   * again. Yes unless told; measure without.
   */
  readonly persistent?: boolean;
  /** More settings, as on its command line. */
  readonly args?: readonly string[];
}

/** Starts a real Valkey 8 and waits until it takes connections. */
export const startValkey = (options: ValkeyOptions = {}): Promise<ServiceProcess> => {
  const { port, persistent = true, args = [] } = options;
  return startService(
    {
      name: "valkey",
      args: (chosen, folder) => [
        ...["--port", String(chosen), "--bind", "127.0.0.1", "--dir", folder, "--save", ""],
        ...["--appendonly", persistent ? "yes" : "no", ...args],
      ],
      ready: /Ready to accept connections/,
      url: (chosen) => `redis://127.0.0.1:${chosen}`,
    },
    port,
  );
};
