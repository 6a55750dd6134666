import { Cluster } from 'ioredis';
import type { Redis } from 'ioredis';
import { FatalError, RetriableError } from '../errors.ts';
import type { RedisClient } from './connection.ts';
import type { Keys } from './keys.ts';
import { readDeployment, refuseHalfway } from './partition-change.ts';
import type { Deployment } from './partition-change.ts';
import { errorCode, reply } from './redis-error.ts';
import { lackingRight } from './rights.ts';

/** Version of everything that Tranweave keeps in Redis; raised when a release could not read what the one before wrote. */
const FORMAT = '1';
const REDIS_MAJOR_MIN = 7;

/**
 * Checks at a role's start that this Redis can be trusted with logs and that the role belongs to this deployment; records
 * both at the very first start. Throws a FatalError saying what to change, or that the number of partitions is being changed.
 */
export async function joinDeployment(redis: RedisClient, keys: Keys, partitions: number): Promise<void> {
  if (redis instanceof Cluster) await Promise.all(redis.nodes('all').map(checkNode));
  else await checkServer(redis, 'Redis');
  await checkRights(redis, keys);
  const deployment = await recorded(redis, keys, partitions);
  if (deployment.format !== FORMAT) {
    throw new FatalError(
      `this Redis holds data of format ${deployment.format}; this release reads and writes format ${FORMAT}`,
    );
  }
  refuseHalfway(deployment);
  if (deployment.partitions !== partitions) {
    throw new FatalError(
      `this deployment has ${deployment.partitions} partitions, but the config says ${partitions}. Set \`partitions: ${deployment.partitions}\`; where a ` +
        `transaction lives depends on it, so another number takes \`tranweave partitions --to ${partitions}\``,
    );
  }
}

/** Written only where nothing is written yet: a reader must be able to start, and to drain, while Redis is too full for any write. */
async function recorded(redis: RedisClient, keys: Keys, partitions: number): Promise<Deployment> {
  const found = await readDeployment(redis, keys);
  if (found.partitions !== undefined && found.format !== undefined) return found;
  await reply(redis.hsetnx(keys.meta(), 'partitions', String(partitions)));
  await reply(redis.hsetnx(keys.meta(), 'format', FORMAT));
  return readDeployment(redis, keys);
}

/** A replica as well, since it may be a master tomorrow; but one that is down keeps nobody from starting. */
async function checkNode(node: Redis): Promise<void> {
  const { host, port, readOnly } = node.options;
  try {
    await checkServer(node, `the Redis node ${host}:${port}`);
  } catch (error) {
    if (!(readOnly === true && error instanceof RetriableError)) throw error;
  }
}

/** @param name what to call it in an error. */
async function checkServer(redis: Redis, name: string): Promise<void> {
  const info = await reply(redis.info('server'));
  const version = /^(?:valkey_version|redis_version):(\S+)/m.exec(info)?.[1] ?? '0';
  if (Number.parseInt(version, 10) < REDIS_MAJOR_MIN) {
    throw new FatalError(
      `${name} has version ${version}, which is too old; Tranweave needs Redis ${REDIS_MAJOR_MIN}.0 or newer, or Valkey`,
    );
  }
  const policy = await evictionPolicy(redis);
  if (policy !== undefined && policy !== 'noeviction') {
    throw new FatalError(
      `${name} runs with maxmemory-policy ${policy} and would drop logs when it is full; set \`maxmemory-policy noeviction\``,
    );
  }
}

async function checkRights(redis: RedisClient, keys: Keys): Promise<void> {
  const lacking = await lackingRight(redis, keys.meta());
  if (lacking !== undefined) throw new FatalError(`the Redis user may not run ${lacking}`);
}

/** Undefined where the provider forbids CONFIG: INFO memory tells it as well. */
async function evictionPolicy(redis: Redis): Promise<string | undefined> {
  try {
    const [, policy] = await redis.config('GET', 'maxmemory-policy');
    if (policy !== undefined) return policy;
  } catch (error) {
    if (errorCode(error) === '') await reply(Promise.reject(error));
  }
  return /^maxmemory_policy:(\S+)/m.exec(await reply(redis.info('memory')))?.[1];
}
