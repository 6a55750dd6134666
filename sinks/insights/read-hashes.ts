import type { RedisClient } from '../../common/redis/connection.ts';
import { loadScript } from '../../common/redis/scripts.ts';

/** What is asked of a hash. */
export interface Asked {
  key: string;
  fields: readonly string[];
}

export interface Found {
  /** How many fields it has. */
  size: number;
  /** Those that were asked for and are there. */
  fields: Map<string, string>;
}

/** Fields that one call asks for, about, so that none holds up Redis. */
const FIELDS_MAX = 4_000;

const readScript = loadScript(new URL('./read.lua', import.meta.url));

/** Reads fields of many hashes of one partition, in the order in which they are asked for. */
export async function readHashes(redis: RedisClient, asked: readonly Asked[]): Promise<Found[]> {
  const calls: Asked[][] = [];
  let room = 0;
  for (const one of asked.flatMap(inPieces)) {
    const fields = one.fields.length + 1;
    if (fields > room) {
      calls.push([]);
      room = FIELDS_MAX;
    }
    calls.at(-1)?.push(one);
    room -= fields;
  }
  const answers = (await Promise.all(calls.map((call) => readCall(redis, call)))).flat();
  // Pieces of one hash follow upon each other.
  let at = 0;
  return asked.map((one) => {
    const found = answers[at] ?? { size: 0, fields: new Map<string, string>() };
    for (let piece = 1; piece < inPieces(one).length; piece += 1)
      for (const [field, value] of answers[at + piece]?.fields ?? []) found.fields.set(field, value);
    at += inPieces(one).length;
    return found;
  });
}

function inPieces({ key, fields }: Asked): Asked[] {
  const pieces: Asked[] = [];
  for (let at = 0; at === 0 || at < fields.length; at += FIELDS_MAX - 1)
    pieces.push({ key, fields: fields.slice(at, at + FIELDS_MAX - 1) });
  return pieces;
}

async function readCall(redis: RedisClient, call: readonly Asked[]): Promise<Found[]> {
  const answer = (await readScript.run(
    redis,
    call.map(({ key }) => key),
    call.flatMap(({ fields }) => [fields.length, ...fields]),
  )) as (Buffer | number | null)[];
  let at = 0;
  return call.map(({ fields }) => {
    const found: Found = { size: Number(answer[at]), fields: new Map() };
    fields.forEach((field, index) => {
      const value = answer[at + 1 + index] ?? null;
      if (value !== null) found.fields.set(field, String(value));
    });
    at += 1 + fields.length;
    return found;
  });
}
