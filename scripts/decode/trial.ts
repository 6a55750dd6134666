import { createCharset } from '../../collector/charset.ts';
import { createDecoder } from '../../collector/decoders/registry.ts';
import { createFraming } from '../../collector/framing/registry.ts';
import { createRecordMaker } from '../../collector/inputs/file/records.ts';
import type { InputConfig } from '../../collector/inputs/registry.ts';
import { pipelineOf } from '../../collector/main.ts';
import type { Fields, Outcome, RawRecord } from '../../collector/outcome.ts';
import type { Clock } from '../../common/clock.ts';

/** One record of a sample, and what the input makes of it. */
export interface Tried {
  /** The record as it was cut out; of one that is too long its beginning. */
  bytes: Buffer;
  /** Where it starts in the sample. */
  start: number;
  /** Empty if it could not be decoded, or is none. */
  fields: readonly Fields[];
  outcomes: readonly Outcome[];
}

/** An input that takes its records from a sample, and keeps and sends nothing. */
export interface Trial {
  push(chunk: Buffer): Tried[];
  /** The record that the sample ends within. */
  end(): Tried[];
  /** Bytes as they are read in the input's encoding, whatever they are. */
  show(bytes: Buffer): string;
}

/** The longest message that IBM MQ has. */
const MESSAGE_BYTES_MAX = 100 * 1024 * 1024;

function recordBytesMaxOf(config: InputConfig): number {
  if (config.type === 'ibm-mq') return MESSAGE_BYTES_MAX;
  return config.type === 'file' ? config.line_bytes_max : config.body_bytes_max;
}

/** @param path what the mapping finds as `meta.path`. */
export function createTrial(config: InputConfig, path: string, clock: Clock): Trial {
  const charset = createCharset(config.encoding, config.on_bad_bytes);
  const recordBytesMax = recordBytesMaxOf(config);
  // Of messages a sample has one a line, as `tranweave mq put` takes them.
  const framing = config.type === 'ibm-mq' ? ({ type: 'newline' } as const) : config.framing;
  const framer = createFraming(framing, { charset, recordBytesMax }).open(0);
  const decoder = createDecoder(config.decoder ?? { type: 'json' }, charset);
  const inner = pipelineOf(config, clock);
  let fields: readonly Fields[] = [];
  const fromBytes = (record: RawRecord) => {
    const decoded = decoder.decode(record);
    fields = 'fields' in decoded ? decoded.fields : [];
    return inner.fromBytes(record);
  };
  const deps = { name: config.name, clock, lineBytesMax: recordBytesMax, pipeline: { ...inner, fromBytes } };
  const make = createRecordMaker(deps, 'sample', undefined);

  const collect = (work: (emit: Parameters<typeof framer.push>[1]) => void): Tried[] => {
    const tried: Tried[] = [];
    work((frame) => {
      fields = [];
      const outcomes = make(frame, path);
      // A copy: the frame's bytes are in a buffer that is used again.
      tried.push({ bytes: Buffer.from(frame.bytes), start: frame.start, fields, outcomes });
    });
    return tried;
  };
  return {
    push: (chunk) => collect((emit) => framer.push(chunk, emit)),
    end: () => collect((emit) => framer.flush(emit)),
    show: (bytes) => charset.show(bytes),
  };
}
