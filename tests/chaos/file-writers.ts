import { appendFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** A program that logs into a file of its own, and the rotation of that file. */
export interface FileWriter {
  /** Writes so many lines, the last of which may be cut: its rest comes with the next ones. */
  write(lines: number): Promise<void>;
  /** Renames the file; packs the one that was renamed before. */
  rotate(): Promise<void>;
  /** Completes the last line. */
  end(): Promise<void>;
  /** Transaction ids of the lines. */
  readonly ids: readonly string[];
}

export interface FileWriterOptions {
  dir: string;
  name: string;
  random: () => number;
}

const CUT = 0.3;

export function createFileWriter({ dir, name, random }: FileWriterOptions): FileWriter {
  const file = join(dir, `${name}.log`);
  const ids: string[] = [];
  let rest = '';
  let rotated = 0;

  function nextLine(): string {
    const transaction_id = `${name}-${ids.length}`;
    ids.push(transaction_id);
    const log = { transaction_id, step: 'send', status: 'succeeded', event_time: '2026-01-31T09:15:00Z' };
    return `${JSON.stringify(log)}\n`;
  }

  async function end(): Promise<void> {
    await appendFile(file, rest);
    rest = '';
  }

  return {
    ids,
    end,
    write: async (lines) => {
      let text = rest;
      for (let i = 0; i < lines; i += 1) text += nextLine();
      const isCut = random() < CUT;
      const at = isCut ? text.length - Math.floor(random() * Math.min(60, text.length)) : text.length;
      await appendFile(file, text.slice(0, at));
      rest = text.slice(at);
    },
    rotate: async () => {
      await end();
      const nameOf = (number: number) => join(dir, `${name}-${number}.log`);
      rotated += 1;
      await rename(file, nameOf(rotated));
      if (rotated < 2) return;
      const old = nameOf(rotated - 1);
      await writeFile(`${old}.gz`, gzipSync(await readFile(old)));
      await rm(old);
    },
  };
}
