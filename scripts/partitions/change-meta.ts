import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import type { ChangeStep, PartitionChange } from '../../common/redis/partition-change.ts';
import { loadScript } from '../../common/redis/scripts.ts';
import type { Hold } from './hold.ts';

/** How far a change has come, in `meta`, where every role looks. Each call throws a FencedError when the claim on the change is lost. */
export interface ChangeMeta {
  begin(change: PartitionChange): Promise<void>;
  step(step: ChangeStep): Promise<void>;
  /** The new number is in force from here on; there is no way back. */
  switchTo(partitions: number): Promise<void>;
  /** There is no change any more: done, or taken back. */
  end(): Promise<void>;
}

const metaScript = loadScript(new URL('./change-meta.lua', import.meta.url));

export function createChangeMeta(redis: RedisClient, keys: Keys, hold: Hold): ChangeMeta {
  async function write(set: Readonly<Record<string, string | number>>, remove: readonly string[] = []) {
    const fields = Object.entries(set);
    await metaScript.run(
      redis,
      [keys.changeClaim(), keys.meta()],
      [hold.changeToken(), fields.length, ...fields.flat(), ...remove],
    );
  }
  return {
    begin: ({ from, to, step }) => write({ changing_from: from, changing_to: to, changing_step: step }),
    step: (step) => write({ changing_step: step }),
    switchTo: (partitions) => write({ partitions, changing_step: 'tidy' satisfies ChangeStep }),
    end: () => write({}, ['changing_from', 'changing_to', 'changing_step']),
  };
}
