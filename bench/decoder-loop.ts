import * as v from 'valibot';
import { createCharset } from '../collector/charset.ts';
import { createDecoder, decoderSchema } from '../collector/decoders/registry.ts';
import type { RawRecord } from '../collector/outcome.ts';
import { DECODER_SAMPLES, sampleLog } from './decoder-samples.ts';

/** A decoder over records that are in memory, then JSON.parse over the same logs as JSON: `node decoder-loop.js NUMBER RECORDS`. It says what each takes. */

export interface LoopFigures {
  recordsPerSecond: number;
  cpuMicros: number;
  /** Of JSON.parse, on the same logs as JSON. */
  jsonCpuMicros: number;
  bytesPerRecord: number;
}

const [number = '0', count = '1'] = process.argv.slice(2);
const sample = DECODER_SAMPLES[Number(number)];
if (sample === undefined) throw new Error(`there is no sample ${number}`);
const charset = createCharset(sample.encoding);
const decoder = createDecoder(v.parse(decoderSchema, sample.decoder), charset);
const logs = Array.from({ length: Number(count) }, (_, index) => sampleLog(index));
const records: RawRecord[] = logs.map((log) => ({
  bytes: charset.encode(sample.record(log)),
  event_id: '',
  meta: {},
}));
const jsons = logs.map((log) => Buffer.from(JSON.stringify(log)));

function decodeAll(): void {
  for (const record of records) {
    const decoded = decoder.decode(record);
    if ('error' in decoded) throw new Error(`${sample?.what}: ${decoded.error}`);
  }
}

function parseAll(): void {
  for (const json of jsons) {
    if (typeof JSON.parse(json.toString()) !== 'object') throw new Error('no object');
  }
}

/** After a round that warms up. */
function timed(work: () => void): { seconds: number; cpuMicros: number } {
  work();
  const [started, before] = [performance.now(), process.cpuUsage()];
  work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - started) / 1000, cpuMicros: user + system };
}

const decoding = timed(decodeAll);
const parsing = timed(parseAll);
process.send?.({
  recordsPerSecond: records.length / decoding.seconds,
  cpuMicros: decoding.cpuMicros / records.length,
  jsonCpuMicros: parsing.cpuMicros / records.length,
  bytesPerRecord: records.reduce((sum, { bytes }) => sum + bytes.length, 0) / records.length,
} satisfies LoopFigures);
