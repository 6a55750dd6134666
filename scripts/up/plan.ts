import { createAuthenticate } from '../../api/keys.ts';
import { FatalError } from '../../common/errors.ts';
import { addressesOf, checkAddresses } from '../embedded-clickhouse/access.ts';
import type { TranweaveConfig } from '../tranweave-config.ts';

/** Where the parts that `up` starts are to listen: read from the places where the roles will look for them. */

export interface Endpoint {
  host: string;
  port: number;
  /** The config key that sets the port. */
  key: string;
}

/** Where the private Redis is to listen. Throws a FatalError when `redis.url` names another machine. */
export function redisOf(config: TranweaveConfig): Endpoint {
  if (config.redis.cluster.length > 0) {
    throw new FatalError(
      '`up` starts one Redis server, but the config has `redis.cluster`; set `up.redis: false`',
    );
  }
  const url = new URL(config.redis.url);
  const host = loopback(url.hostname, 'redis.url', 'up.redis');
  return { host, port: Number(url.port || 6379), key: 'redis.url' };
}

/**
 * Where the embedded ClickHouse is to listen, and the password it asks for. Throws a FatalError when no sink looks for one on this machine, and
 * when others could reach it without a password.
 */
export function clickHouseOf(config: TranweaveConfig): Endpoint & {
  hostBesides: string | undefined;
  password: string | undefined;
  database: string;
} {
  const index = config.sinks.findIndex((sink) => sink.type === 'clickhouse');
  const sink = config.sinks[index];
  if (sink?.type !== 'clickhouse') {
    throw new FatalError(
      'the config has no sink of type clickhouse, so nothing would use it; set `up.clickhouse: false`',
    );
  }
  const key = `sinks[${index}].url`;
  const url = new URL(sink.url);
  const host = loopback(url.hostname, key, 'up.clickhouse');
  const hostBesides = config.up.clickhouse_host;
  checkAddresses(addressesOf(host, hostBesides), sink.password);
  return {
    host,
    hostBesides,
    port: Number(url.port || 8123),
    key,
    password: sink.password,
    database: sink.database,
  };
}

/** Every address that will be taken. */
export function endpointsOf(config: TranweaveConfig): Endpoint[] {
  const endpoints: Endpoint[] = [];
  if (config.up.redis) endpoints.push(redisOf(config));
  if (config.up.clickhouse) {
    const { host, hostBesides, port, key } = clickHouseOf(config);
    for (const address of addressesOf(host, hostBesides)) {
      endpoints.push({ host: address, port, key: address === host ? key : 'up.clickhouse_host' });
    }
  }
  config.inputs.forEach((input, index) => {
    if (input.type === 'http')
      endpoints.push({ host: input.host, port: input.port, key: `inputs[${index}].port` });
  });
  const admins = [
    { key: 'collector.admin.port', admin: config.collector.admin, replicas: 1 },
    { key: 'processor.admin.port', admin: config.processor.admin, replicas: config.up.processors },
    { key: 'sinks_process.admin.port', admin: config.sinks_process.admin, replicas: config.up.sinks },
  ];
  if (config.api !== undefined) {
    // Seen now, by a config that it could not start with, rather than when everything else runs.
    createAuthenticate(config.api);
    endpoints.push({ host: config.api.host, port: config.api.port, key: 'api.port' });
    admins.push({ key: 'api.admin.port', admin: config.api.admin, replicas: 1 });
  }
  for (const { key, admin, replicas } of admins) {
    if (admin.port !== 0 && replicas > 1) {
      throw new FatalError(
        `\`up\` starts ${replicas} processes that would all take port ${admin.port}; set \`${key}: 0\``,
      );
    }
    endpoints.push({ ...admin, key });
  }
  return endpoints.filter((endpoint) => endpoint.port !== 0);
}

function loopback(host: string, key: string, switchKey: string): string {
  if (host === 'localhost') return '127.0.0.1';
  // To listen on, an IPv6 address has no brackets.
  if (host === '[::1]') return '::1';
  if (/^127\.\d+\.\d+\.\d+$/.test(host)) return host;
  throw new FatalError(
    `\`${key}\` names ${host}, which is not this machine; set \`${switchKey}: false\` to use it as it is`,
  );
}
