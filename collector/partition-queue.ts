import { BackPressureError } from '../common/errors.ts';
import { sizeOfLine } from './row-room.ts';
import type { Row } from './rows.ts';
import type { AppendReply } from './send-rows.ts';

/**
 * Rows of unpositioned appends on their way to one partition. While one call to Redis is under way, what arrives waits and
 * then travels together: under load many small requests become few large entries, and a lone request waits for nobody.
 */
export interface PartitionQueue {
  /** Resolves once Redis has the rows. Throws BackPressureError when too much is waiting or the stream is full. */
  append(rows: readonly Row[]): Promise<void>;
}

/** Rows that one call to Redis carries at most; what is beyond goes with the next. */
const CALL_ROWS_MAX = 4096;

interface Waiting {
  rows: readonly Row[];
  bytes: number;
  resolve(): void;
  reject(error: unknown): void;
}

/** @param pending bytes waiting in all queues of the process, and their bound. */
export function createPartitionQueue(
  send: (rows: readonly Row[]) => Promise<AppendReply>,
  pending: { bytes: number; readonly bytesMax: number },
): PartitionQueue {
  let waiting: Waiting[] = [];
  let running = false;

  function take(): Waiting[] {
    let rows = 0;
    const end = waiting.findIndex((item, index) => {
      rows += item.rows.length;
      return index > 0 && rows > CALL_ROWS_MAX;
    });
    const taken = end === -1 ? waiting : waiting.slice(0, end);
    waiting = end === -1 ? [] : waiting.slice(end);
    return taken;
  }

  async function run(): Promise<void> {
    // Requests that are handled in this turn of the event loop go together.
    await new Promise(setImmediate);
    while (waiting.length > 0) {
      const taken = take();
      const failure = await attempt(taken);
      for (const item of taken) {
        pending.bytes -= item.bytes;
        if (failure === undefined) item.resolve();
        else item.reject(failure);
      }
    }
    running = false;
  }

  async function attempt(taken: readonly Waiting[]): Promise<unknown> {
    try {
      const answer = await send(taken.flatMap((item) => item.rows));
      return answer.status === 'ok'
        ? undefined
        : new BackPressureError('the log stream of a partition is full');
    } catch (error) {
      return error;
    }
  }

  return {
    append: (rows) =>
      new Promise<void>((resolve, reject) => {
        const bytes = rows.reduce((sum, row) => sum + sizeOfLine(row.line), 0);
        if (pending.bytes + bytes > pending.bytesMax && pending.bytes > 0) {
          reject(new BackPressureError('too much is waiting for Redis'));
          return;
        }
        pending.bytes += bytes;
        waiting.push({ rows, bytes, resolve, reject });
        if (running) return;
        running = true;
        void run();
      }),
  };
}
