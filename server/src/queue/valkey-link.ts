import { Cluster, Redis, type RedisOptions } from "ioredis";

/** The longest wait before connecting again, in milliseconds. */
const RECONNECT_MS = 500;

/**
 * A connection that is made when asked to, made again by itself, and refuses commands meanwhile: a
 * claim does not wait for a service that is away, and nothing is sent twice.
 *
 * @param url redis:// or rediss://; several, with commas between them, are nodes of a cluster.
 */
export function connectValkey(url: string): Redis | Cluster {
  const options: RedisOptions = {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // After a failover the name leads to another server.
    reconnectOnError: (error) => error.message.includes("READONLY"),
    retryStrategy: (times) => Math.min(times * 50, RECONNECT_MS),
    connectionName: "orchestrator",
  };
  const urls = url.split(",");
  const client =
    urls.length === 1
      ? new Redis(url, options)
      : new Cluster(urls, {
          lazyConnect: true,
          enableOfflineQueue: false,
          clusterRetryStrategy: (times) => Math.min(times * 50, RECONNECT_MS),
          redisOptions: options,
        });
  // It reconnects by itself; what went wrong shows where something was asked.
  client.on("error", () => {});
  return client;
}
