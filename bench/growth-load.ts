import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { timestampFromMicros } from '../common/timestamp.ts';

/** Transactions that stay open, and logs that find theirs among all of them. */
export interface OpenLoad {
  /** The first step of so many transactions. */
  opening: LogFile;
  /** Turn by turn: one of them goes on and, some turns later, completes; another is opened. So their number stays. */
  turning: LogFile;
}

export interface LogFile {
  file: string;
  bytes: number;
  lines: number;
  /** Transactions whose first log is in it. */
  transactions: number;
}

/** 2026-01-31 09:00 UTC. */
const START_MICROS = 1_769_850_000_000_000;
/** Turns between the second and the third log of a transaction. */
const TURNS_APART = 2_000;
/** Far apart in whatever order they were opened: a prime that divides none of the numbers that are measured. */
const STRIDE = 611_953;
const LINES_A_WRITE = 500;

/** @param turns of three logs each; at most as many as are open. */
export async function writeOpenLoad(dir: string, open: number, turns: number): Promise<OpenLoad> {
  if (turns > open) throw new RangeError(`${turns} of ${open} open transactions cannot go on`);
  const picked = (turn: number) => (turn * STRIDE) % open;
  function* opening(): Generator<string> {
    for (let index = 0; index < open; index += 1) yield lineOf(index, 'send');
  }
  function* turning(): Generator<string> {
    for (let turn = 0; turn < turns + TURNS_APART; turn += 1) {
      if (turn < turns) {
        yield lineOf(picked(turn), 'hub');
        yield lineOf(open + turn, 'send');
      }
      if (turn >= TURNS_APART) yield lineOf(picked(turn - TURNS_APART), 'receive');
    }
  }
  return {
    opening: { ...(await write(join(dir, 'opening.ndjson'), opening())), transactions: open },
    turning: { ...(await write(join(dir, 'turning.ndjson'), turning())), transactions: turns },
  };
}

async function write(file: string, lines: Iterable<string>): Promise<Omit<LogFile, 'transactions'>> {
  let count = 0;
  function* blocks(): Generator<string> {
    let block = '';
    for (const line of lines) {
      block += `${line}\n`;
      count += 1;
      if (count % LINES_A_WRITE > 0) continue;
      yield block;
      block = '';
    }
    yield block;
  }
  await pipeline(Readable.from(blocks(), { objectMode: false }), createWriteStream(file));
  return { file, bytes: (await stat(file)).size, lines: count };
}

function lineOf(index: number, step: string): string {
  const id = `OPEN-${String(index).padStart(9, '0')}`;
  return JSON.stringify({
    event_id: `${id}/${step}`,
    transaction_id: id,
    interface_id: `interface-${index % 4}`,
    step,
    status: 'succeeded',
    event_time: timestampFromMicros(START_MICROS + index * 700),
    duration_ms: 12.5,
    node: `eai-0${1 + (index % 4)}`,
    process: `adapter-${step}`,
    record_count: 1 + (index % 20),
    message_size: 2_048,
    business_keys: { order_no: `SO-${index}` },
  });
}
