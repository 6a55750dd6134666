import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { timestampFromMicros } from '../common/timestamp.ts';

/** Transactions of four steps whose fields are of a known size, to see what they cost in memory. */

/** What becomes of them: waiting for a fifth step, completed, or failed at the fourth. */
export const FATES = ['open', 'completed', 'failed'] as const;
export type Fate = (typeof FATES)[number];

export const SIZES = ['small', 'typical', 'large'] as const;
export type Size = (typeof SIZES)[number];

export const STEPS = ['send', 'hub', 'transform', 'receive'] as const;

/** Flows under which the fates come about. */
export const SIZING_FLOWS = [
  { interface: 'open-*', steps: [...STEPS, 'confirm'], deadline: '1h' },
  { interface: '*', steps: [...STEPS], deadline: '1h' },
];

/** 2026-01-31 09:00 UTC. */
const START_MICROS = 1_769_850_000_000_000;
const TRANSACTIONS_A_WRITE = 500;

const BUSINESS_KEYS: Record<Size, number> = { small: 1, typical: 3, large: 10 };

function fieldsOf(size: Size, step: string): object {
  if (size === 'small') return {};
  const typical = {
    node: `eai-${step}-01.example`,
    process: `adapter-${step}`,
    source_system: 'SHOP-ONLINE',
    target_system: 'WMS-CENTRAL',
    message_size: 2_048,
    record_count: 12,
  };
  if (size === 'typical') return typical;
  const attributes = Object.fromEntries(
    Array.from({ length: 8 }, (_, i) => [`attribute_${i}`, 'v'.repeat(40)]),
  );
  return { ...typical, attributes, payload: 'p'.repeat(1_024) };
}

function idOf(size: Size, fate: Fate, index: number): string {
  const number = String(index).padStart(8, '0');
  return size === 'small'
    ? `${fate[0]}${number}`
    : `SHOP-2026-01-31-order-${fate.padStart(9, '-')}-${number}`;
}

function linesOf(size: Size, fate: Fate, index: number): string {
  const id = idOf(size, fate, index);
  const keys = Object.fromEntries(
    Array.from({ length: BUSINESS_KEYS[size] }, (_, key) => [`key_${key}`, `SO-${key}-${index}`]),
  );
  return STEPS.map((step, at) => {
    const isFailure = fate === 'failed' && at === STEPS.length - 1;
    const log = {
      event_id: `${id}/${at}`,
      transaction_id: id,
      interface_id: `${fate}-order`,
      step,
      status: isFailure ? 'failed' : 'succeeded',
      event_time: timestampFromMicros(START_MICROS + index * 1_000 + at * 250_000),
      duration_ms: 120.5 + at,
      business_keys: keys,
      ...fieldsOf(size, step),
      ...(isFailure ? { error_code: 'E1042', error_message: 'the receiver did not accept the message' } : {}),
    };
    return `${JSON.stringify(log)}\n`;
  }).join('');
}

/** Writes so many transactions, log after log; returns the file's size in bytes. */
export async function writeSized(
  file: string,
  size: Size,
  fate: Fate,
  transactions: number,
): Promise<number> {
  const out = createWriteStream(file);
  for (let at = 0; at < transactions; at += TRANSACTIONS_A_WRITE) {
    const count = Math.min(TRANSACTIONS_A_WRITE, transactions - at);
    const lines = Array.from({ length: count }, (_, i) => linesOf(size, fate, at + i)).join('');
    if (!out.write(lines)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
  return (await stat(file)).size;
}
