import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { timestampFromMicros } from '../common/timestamp.ts';

/** Logs for a steady load: every transaction's three steps a second apart, so that each log changes its summary. */
export interface SteadyLoad {
  file: string;
  lines: number;
  /** Place in the file of the log of a transaction's step; undefined for what is not of this load. */
  placeOf(transactionId: string, step: string): number | undefined;
}

const STEPS = ['send', 'hub', 'receive'];
const LINES_A_WRITE = 500;

/** @param stepGap how many other transactions begin between two steps of one. */
export async function writeSteadyLoad(
  file: string,
  transactions: number,
  stepGap: number,
): Promise<SteadyLoad> {
  const places = new Int32Array(transactions * STEPS.length);
  const startMicros = Date.now() * 1000;
  let lines = 0;
  function* blocks(): Generator<string> {
    let block = '';
    for (let at = 0; at < transactions + 2 * stepGap; at += 1) {
      for (const [step, name] of STEPS.entries()) {
        const index = at - step * stepGap;
        if (index < 0 || index >= transactions) continue;
        places[index * STEPS.length + step] = lines;
        block += `${lineOf(index, name, startMicros + at * 300)}\n`;
        lines += 1;
        if (lines % LINES_A_WRITE > 0) continue;
        yield block;
        block = '';
      }
    }
    yield block;
  }
  await pipeline(Readable.from(blocks(), { objectMode: false }), createWriteStream(file));
  return {
    file,
    lines,
    placeOf: (transactionId, step) => {
      const index = Number(transactionId.slice(PREFIX.length));
      const found = STEPS.indexOf(step);
      return transactionId.startsWith(PREFIX) && found >= 0
        ? places[index * STEPS.length + found]
        : undefined;
    },
  };
}

const PREFIX = 'STEADY-';

function lineOf(index: number, step: string, micros: number): string {
  const id = PREFIX + String(index).padStart(9, '0');
  return JSON.stringify({
    event_id: `${id}/${step}`,
    transaction_id: id,
    interface_id: `interface-${index % 4}`,
    step,
    status: 'succeeded',
    event_time: timestampFromMicros(micros),
    duration_ms: 12.5,
    node: `eai-0${1 + (index % 4)}`,
    process: `adapter-${step}`,
    record_count: 1 + (index % 20),
    message_size: 2_048,
    business_keys: { order_no: `SO-${index}` },
  });
}
