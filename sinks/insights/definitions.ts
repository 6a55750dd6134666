import { RetriableError } from '../../common/errors.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { reply } from '../../common/redis/redis-error.ts';
import { loadScript } from '../../common/redis/scripts.ts';
import type { Definition } from './definition.ts';
import { isLaidOut } from './layout.ts';
import type { Generation } from './lane-keys.ts';
import { generationField } from './lane-state.ts';

/**
 * Which definition of an insight is in force. One that differs from the one before begins a new generation, with numbers of its own; the process that was
 * started last decides, and those that were started before with another definition count nothing more (lane-state.ts).
 */
export interface Definitions {
  /** As this process recorded them. Empty before `record`. */
  current(): readonly Generation[];
  /** Puts this process' definitions in force. Throws a RetriableError when Redis is away. */
  record(): Promise<void>;
  /** Whether they still are, and not those of a process that was started later. After a flush of Redis they are recorded again. */
  inForce(): Promise<boolean>;
}

export interface DefinitionsDeps {
  redis: RedisClient;
  keys: Keys;
  partitions: number;
  definitions: readonly Definition[];
  /** Called when an insight is counted by a definition for the first time. */
  onBegun: (name: string, generation: string) => void;
}

const defineScript = loadScript(new URL('./define.lua', import.meta.url));
const laneScript = loadScript(new URL('./define-lane.lua', import.meta.url));

export function createDefinitions(deps: DefinitionsDeps): Definitions {
  const { redis, keys, partitions, definitions } = deps;
  let current: readonly Generation[] = [];
  const record = async () => {
    const recorded: Generation[] = [];
    for (const definition of definitions) recorded.push(await recordOne(deps, definition));
    const args = recorded.flatMap(({ definition, generation }) => [
      generationField(definition.name),
      generation,
    ]);
    const layout = (await isLaidOut(deps)) ? String(partitions) : '';
    for (let partition = 0; partition < partitions; partition += 1)
      await laneScript.run(redis, [keys.insightLane(partition)], [layout, ...args]);
    current = recorded;
  };
  return {
    current: () => current,
    record,
    inForce: async () => {
      const names = definitions.map(({ name }) => definitionField(name));
      const found = await reply(redis.hmget(keys.insights(), ...names), keys.insights());
      const recorded = found.map((text) => (text === null ? undefined : parseRecorded(text)));
      const isOther = recorded.some(
        (one, index) => one !== undefined && one.hash !== definitions[index]?.hash,
      );
      if (isOther) return false;
      const isSame = recorded.every((one, index) => one?.generation === current[index]?.generation);
      if (!isSame) await record();
      return true;
    },
  };
}

/** A process that was started later counts by other definitions; this one must be restarted. */
export class ReplacedError extends RetriableError {
  override readonly name = 'ReplacedError';
}

/** Throws a ReplacedError once a process that was started later counts by other definitions. */
export async function refuseReplaced(definitions: Definitions): Promise<void> {
  if (await definitions.inForce()) return;
  throw new ReplacedError(
    'insights are defined otherwise by a process that was started later: restart this one with the same config',
  );
}

/** Whether what is recorded of an insight is this definition. */
export function isDefinedAs(recorded: string, definition: Definition): boolean {
  return parseRecorded(recorded).hash === definition.hash;
}

export function parseRecorded(text: string): { generation: string; hash: string } {
  const [generation = '', hash = ''] = text.split(' ');
  return { generation, hash };
}

export function definitionField(name: string): string {
  return `definition:${name}`;
}

async function recordOne(deps: DefinitionsDeps, definition: Definition): Promise<Generation> {
  const { redis, keys, onBegun } = deps;
  const { name, hash } = definition;
  const [seconds, micros] = await reply(redis.time());
  const proposed = generationName(Number(seconds) * 1000 + Math.floor(Number(micros) / 1000));
  const field = definitionField(name);
  const answer = await defineScript.run(redis, [keys.insights()], [field, hash, proposed]);
  const [generation, inForce] = (answer as Buffer[]).map(String);
  if (generation === undefined || inForce !== hash)
    throw new RetriableError(`the clock of Redis has not passed the last definition of insight ${name} yet`);
  if (generation === proposed) onBegun(name, generation);
  return { definition, generation };
}

/** `20261125T031500123`: a time in UTC; sorts as times do, and is part of keys and of a table's name. */
export function generationName(millis: number): string {
  return new Date(millis).toISOString().replaceAll(/[-:.Z]/g, '');
}

/** ms since 1970. */
export function generationMillis(generation: string): number {
  const [, y, mo, d, h, mi, s, ms] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})$/.exec(generation)?.map(Number) ?? [];
  return Date.UTC(y ?? 0, (mo ?? 1) - 1, d, h, mi, s, ms);
}
