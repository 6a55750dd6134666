import { createWriteStream } from 'node:fs';
import type { WriteStream } from 'node:fs';
import { describeError } from '../../common/errors.ts';

/** After it failed, a log file is opened again at the first output that comes so much later. */
const REOPEN_MS = 5_000;

/** Where the output of one process goes. What cannot be written is let go: a full disk must not end what runs. */
export interface LogFile {
  write(output: Buffer): void;
  end(): void;
}

/** @param onFailure is told of every failure to open it or to write. */
export function openLogFile(file: string, onFailure: (reason: string) => void): LogFile {
  let failedAt = 0n;
  let stream: WriteStream | undefined;

  function open(): WriteStream {
    const opened = createWriteStream(file, { flags: 'a' });
    opened.on('error', (error) => {
      if (stream === opened) stream = undefined;
      failedAt = process.hrtime.bigint();
      onFailure(describeError(error));
    });
    return opened;
  }

  stream = open();
  return {
    write: (output) => {
      if (stream === undefined && process.hrtime.bigint() - failedAt > BigInt(REOPEN_MS) * 1_000_000n)
        stream = open();
      stream?.write(output);
    },
    end: () => stream?.end(),
  };
}
