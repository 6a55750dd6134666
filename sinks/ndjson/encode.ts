import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { RetriableError } from '../../common/errors.ts';
import { checkRow } from '../check-row.ts';
import { linesOf } from '../lines.ts';
import { ROWS_REFUSED_MAX } from '../halving.ts';
import type { RefusedRow, SinkBatch } from '../sink.ts';

const compress = promisify(gzip);

/** Of 9; beyond it, time grows faster than files shrink. */
const LEVEL = 6;

export interface EncodedBatch {
  /** What is appended to the file: whole lines, or a gzip member of them. Empty if every row was refused. */
  bytes: Buffer;
  refused: RefusedRow[];
}

/**
 * A batch as it stands in a file: an object a line, but for those that a reader of the file could not read. The same batch gives
 * the same bytes. Throws a RetriableError when so many are of no use that it is not about rows.
 */
export async function encodeBatch(batch: SinkBatch, withGzip: boolean): Promise<EncodedBatch> {
  const lines = linesOf(batch.chunks);
  const refused: RefusedRow[] = [];
  const kept: string[] = [];
  for (let index = 0; index < lines.count; index += 1) {
    // What a newer release writes stays as it is: nothing of it is lost.
    const { row, reason } = checkRow(batch.stream, lines.slice(index, index + 1).toString(), 'keep');
    if (row !== undefined) {
      kept.push(`${JSON.stringify(row)}\n`);
      continue;
    }
    refused.push({ index, reason });
    if (refused.length > ROWS_REFUSED_MAX) throw tooMany(reason);
  }
  const whole = Buffer.from(kept.join(''));
  return { bytes: withGzip && whole.length > 0 ? await compress(whole, { level: LEVEL }) : whole, refused };
}

function tooMany(reason: string): RetriableError {
  return new RetriableError(
    `more than ${ROWS_REFUSED_MAX} rows of a batch are of no use (the last: ${reason}), which waits until somebody has looked`,
  );
}
