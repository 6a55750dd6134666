import type { RedisClient } from './connection.ts';
import { mastersOf } from './connection.ts';
import { reply } from './redis-error.ts';

/** Memory of one Redis server, in bytes. */
export interface MemoryUse {
  used: number;
  /** Its `maxmemory`; without one, what the machine has. */
  max: number;
}

/** Of every master. Throws a RetriableError when one cannot be asked. */
export async function memoryUse(redis: RedisClient): Promise<MemoryUse[]> {
  return Promise.all(mastersOf(redis).map(async (master) => memoryOf(await reply(master.info('memory')))));
}

function memoryOf(info: string): MemoryUse {
  const number = (field: string) => Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  return { used: number('used_memory'), max: number('maxmemory') || number('total_system_memory') };
}
