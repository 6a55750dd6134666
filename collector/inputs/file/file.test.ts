import { appendFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import type { RawRecord } from '../../outcome.ts';
import {
  appendLines,
  inFoldersOfTheirOwn,
  keys,
  line,
  linesOf,
  plainPipeline,
  until,
  untilStored,
} from './fixture.ts';
import type { Fixture } from './fixture.ts';
import { fileInput } from '../file.ts';

let fixture: Fixture;
let dir: string;
let log: string;

inFoldersOfTheirOwn((given) => {
  ({ fixture, dir, log } = given);
});

const stored = (ids: readonly string[]) => untilStored(fixture, ids);

describe('the records of a file', () => {
  test('arrive once each, from several files and as they are written', async () => {
    const ids = [
      ...(await appendLines(log, 'a', 0, 50)),
      ...(await appendLines(join(dir, 'b.log'), 'b', 0, 50)),
    ];
    await fixture.start(dir);
    await stored(ids);
    ids.push(...(await appendLines(log, 'a', 50, 60)), ...(await appendLines(join(dir, 'c.log'), 'c', 0, 5)));
    await stored(ids);
  });

  test('are found and read without any event', async () => {
    await fixture.start(dir, { config: { watch: false } });
    const ids = await appendLines(log, 'a', 0, 5);
    await stored(ids);
    await stored([...ids, ...(await appendLines(log, 'a', 5, 10))]);
  });

  test('come by events long before the next scan', async () => {
    await fixture.start(dir, { config: { scan_interval: '1h' }, deps: { clock: systemClock } });
    const ids = await appendLines(log, 'a', 0, 5);
    await stored(ids);
    await stored([...ids, ...(await appendLines(log, 'a', 5, 10))]);
  });

  test('are named by where they stand, and tell their path, offset and header', async () => {
    const seen: RawRecord[] = [];
    await writeFile(log, `\n${line('h')}\r\n\n${line('x')}\n`);
    const pipeline = plainPipeline((record) => seen.push({ ...record, bytes: Buffer.from(record.bytes) }));
    await fixture.start(dir, { deps: { pipeline } });
    await stored(['h', 'x']);
    const [source] = await fixture.redis.hkeys(keys.sources('in'));
    expect(source).toMatch(/^in\/n1\/\d{8}-\d+-[0-9a-f]{12}$/);
    const offset = line('h').length + 4;
    expect(seen).toEqual([
      {
        bytes: Buffer.from(line('h')),
        event_id: `${source}@1`,
        meta: { path: log, offset: '1' },
        header: Buffer.from(line('h')),
        first: true,
      },
      {
        bytes: Buffer.from(line('x')),
        event_id: `${source}@${offset}`,
        meta: { path: log, offset: String(offset) },
        header: Buffer.from(line('h')),
        first: false,
      },
    ]);
  });

  test('are held until their newline comes, even over a stop', async () => {
    const text = line('half');
    await writeFile(log, `${line('one')}\n${text.slice(0, 20)}`);
    const first = await fixture.start(dir, { config: { last_line_after: '1h' } });
    await stored(['one']);
    await first.input.stop();
    await fixture.start(dir, { config: { last_line_after: '1h' } });
    await appendFile(log, text.slice(20));
    await until(async () =>
      expect(await fixture.redis.hvals(keys.lowWater('in'))).toEqual([String(line('one').length + 1)]),
    );
    await appendFile(log, '\n');
    await stored(['half', 'one']);
    expect(await fixture.deadLetters()).toEqual([]);
  });

  test('are taken without a newline once the file has rested, and what comes then is a record of its own', async () => {
    await writeFile(log, `${line('one')}\n${line('two')}`);
    await fixture.start(dir, { config: { last_line_after: '100ms' } });
    await stored(['one', 'two']);
    await appendFile(log, `\n${line('three')}\n${line('four')}`);
    await stored(['four', 'one', 'three', 'two']);
  });

  test('keep the end that they were given without a newline, when they must be read again', async () => {
    await writeFile(log, line('one'));
    const first = await fixture.start(dir, { config: { last_line_after: '20ms' } });
    await stored(['one']);
    await first.input.stop();
    // As after a crash between the append and the mark of all partitions; then the writer goes on.
    await fixture.redis.del(keys.lowWater('in'));
    await appendFile(log, `   \n${line('two')}\n`);
    await fixture.start(dir);
    await stored(['one', 'two']);
    await until(async () => expect(await fixture.deadLetters()).toMatchObject([{ raw_base64: 'ICAg' }]));
  });

  test('that are too long become one dead letter each, and their neighbours survive', async () => {
    const long = line('long', 5000);
    await writeFile(log, `${line('one')}\n${long}\n${line('two')}\n${long}\r\n${line('x', 100)}\n`);
    await fixture.start(dir, { config: { line_bytes_max: '1000B', batch_bytes_max: '300B' } });
    await stored(['one', 'two', 'x']);
    const letters = await fixture.deadLetters();
    const offset = line('one').length + 1;
    expect(letters.map(({ meta }) => Number(meta['offset'])).sort((a, b) => a - b)).toEqual([
      offset,
      offset + long.length + 1 + line('two').length + 1,
    ]);
    for (const letter of letters) {
      expect(letter).toMatchObject({ stage: 'frame', input: 'in', channel: 'file' });
      expect(letter.reason).toContain('line_bytes_max');
      expect(letter.meta).toMatchObject({ cut: 'true', bytes: String(long.length), path: log });
      expect(Buffer.from(letter.raw_base64, 'base64').toString()).toBe(long.slice(0, 1000));
    }
  });

  test('lose a byte order mark, and carriage returns at any chunk edge', async () => {
    const text = `\ufeff${['a', 'b', 'c', 'd'].map((id) => `${line(id)}\r\n`).join('')}`;
    await writeFile(log, text);
    // Each size puts the edges elsewhere, some between \r and \n.
    for (const bytes of [line('a').length + 4, line('a').length + 1, 1, 7]) {
      const { input } = await fixture.start(dir, {
        config: { name: `in${bytes}`, batch_bytes_max: `${bytes}B` },
        deps: { name: `in${bytes}` },
      });
      await until(async () =>
        expect((await fixture.ids()).filter((id) => id === 'd').length).toBeGreaterThan(0),
      );
      await stored(['a', 'b', 'c', 'd']);
      await input.stop();
      await fixture.redis.flushall();
    }
  });

  test('are none in a file of blank lines, which is passed over once', async () => {
    await writeFile(log, '\n\r\n\n');
    const running = await fixture.start(dir);
    await until(async () => expect(await fixture.redis.hvals(keys.lowWater('in'))).toEqual(['4']));
    await until(async () => expect(await running.metric('tranweave_collector_behind_bytes')).toBe(0));
    expect(await running.metric('tranweave_collector_bytes_total')).toBe(4);
    await stored(await appendLines(log, 'a', 0, 3));
  });

  test('become dead letters whole when they cannot be decoded, and are counted by what became of them', async () => {
    await writeFile(log, `${line('one')}\nnot json\n{"skip":true}\n`);
    const running = await fixture.start(dir);
    await until(async () =>
      expect(await running.metric('tranweave_collector_skipped_records_total')).toBe(1),
    );
    expect(await running.metric('tranweave_collector_logs_total')).toBe(1);
    expect(await running.metric('tranweave_collector_dead_letters_total')).toBe(1);
    const [letter] = await fixture.deadLetters();
    expect(Buffer.from(letter!.raw_base64, 'base64').toString()).toBe('not json');
  });
});

describe('the files of an input', () => {
  test('are read once each, whatever globs and links lead to them', async () => {
    const ids = await appendLines(log, 'a', 0, 5);
    await symlink(log, join(dir, 'link.log'));
    await symlink(join(dir, 'nowhere'), join(dir, 'dangling.log'));
    await mkdir(join(dir, 'folder.log'));
    await fixture.start(dir, { config: { paths: [join(dir, '*.log'), `${dir}//a*`] } });
    await stored(ids);
    await stored([...ids, ...(await appendLines(join(dir, 'b.log'), 'b', 0, 1))]);
    expect(await fixture.redis.hlen(keys.sources('in'))).toBe(2);
  });

  test('leave out those that are excluded', async () => {
    await appendLines(log, 'a', 0, 1);
    await appendLines(join(dir, 'debug.log'), 'd', 0, 1);
    await fixture.start(dir, { config: { exclude: [join(dir, 'debug*')] } });
    await stored(['a0000']);
  });

  test('may be more than can be open at the same time', async () => {
    const ids: string[] = [];
    const write = async (from: number, to: number) => {
      for (let i = 0; i < 10; i += 1) {
        ids.push(...(await appendLines(join(dir, `${i}.log`), `${i}-`, from, to)));
        // The last line without its newline: held, though the file is closed for others meanwhile.
        await appendFile(join(dir, `${i}.log`), line(`${i}-last${from}`));
        ids.push(`${i}-last${from}`);
      }
    };
    await write(0, 40);
    await fixture.start(dir, {
      config: { files_open_max: 2, batch_bytes_max: '500B', last_line_after: '150ms' },
    });
    await stored(ids);
    for (let i = 0; i < 10; i += 1) await appendFile(join(dir, `${i}.log`), '\n');
    await write(40, 60);
    await stored(ids);
    expect(await fixture.deadLetters()).toEqual([]);
  });

  test('with the same beginning are different files', async () => {
    const { text } = linesOf('same', 0, 3);
    await writeFile(log, text);
    await writeFile(join(dir, 'b.log'), text);
    await fixture.start(dir);
    await until(async () => expect(await fixture.ids()).toHaveLength(6));
    expect(new Set((await fixture.logs()).map((log) => log.event_id)).size).toBe(6);
  });

  test('that nobody has written to yet are waited for', async () => {
    await writeFile(log, '');
    const { input } = await fixture.start(dir);
    expect(input.trouble()).toBeUndefined();
    await stored(await appendLines(log, 'a', 0, 3));
    expect(await fixture.redis.hlen(keys.sources('in'))).toBe(1);
  });

  test('may be read by two inputs, each on its own', async () => {
    await appendLines(log, 'a', 0, 3);
    await fixture.start(dir);
    await fixture.start(dir, { deps: { name: 'other' } });
    await until(async () => expect(await fixture.ids()).toHaveLength(6));
  });
});

describe('the settings', () => {
  const check = (more: Record<string, unknown>) =>
    v.safeParse(fileInput.config, { type: 'file', name: 'in', paths: ['*.log'], ...more });

  test('have defaults, and bounds that are told in words', () => {
    expect(check({})).toMatchObject({
      success: true,
      output: {
        scan_interval: 1000,
        last_line_after: 5000,
        line_bytes_max: 1048576,
        decoder: { type: 'json' },
      },
    });
    for (const bad of [
      { paths: [] },
      { scan_interval: '0s' },
      { batch_bytes_max: '0B' },
      { line_bytes_max: '1GiB' },
      { files_open_max: 0 },
      { path: 'x' },
    ]) {
      expect(check(bad).success).toBe(false);
    }
  });
});
