import { type ServiceProcess, startService } from "./service-process.ts";

/** How a nats-server is started. */
export interface NatsOptions {
  /** A free one unless told. */
  readonly port?: number;
  /** More settings, as on its command line. */
  readonly args?: readonly string[];
}

/** Starts a real nats-server with JetStream and waits until it takes connections. */
export const startNats = (options: NatsOptions = {}): Promise<ServiceProcess> => {
  const { port, args = [] } = options;
  return startService(
    {
      name: "nats",
      args: (chosen, folder) => [
        ...["--addr", "127.0.0.1", "--port", String(chosen)],
        ...["--jetstream", "--store_dir", folder, ...args],
      ],
      ready: /Server is ready/,
      url: (chosen) => `nats://127.0.0.1:${chosen}`,
    },
    port,
  );
};
