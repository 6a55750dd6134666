import { appendFile, rm, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import * as v from 'valibot';
import { createCharset } from '../../charset.ts';
import { fileInput } from '../file.ts';
import { inFoldersOfTheirOwn, keys, line, plainPipeline, until, untilStored } from './fixture.ts';
import type { Fixture } from './fixture.ts';

/** Files whose records are not lines. The records are JSON all the same, which is what the fixture's pipeline reads. */

let fixture: Fixture;
let dir: string;
let log: string;

inFoldersOfTheirOwn((given) => {
  ({ fixture, dir, log } = given);
});

const stored = (ids: readonly string[]) => untilStored(fixture, ids);
/** A log over several lines. */
const spread = (id: string) => `${JSON.stringify(JSON.parse(line(id)), null, 2)}\n`;
const multiLine = (more: object = {}) => ({ type: 'multi-line', start: String.raw`^\{`, ...more });
const letterTexts = async () =>
  (await fixture.deadLetters()).map(({ raw_base64 }) => Buffer.from(raw_base64, 'base64').toString()).sort();

describe('records of several lines', () => {
  test('come once each, the last one when the file has been quiet, and what comes then is its own', async () => {
    const ids = Array.from({ length: 40 }, (_, i) => `t${i}`);
    await writeFile(log, ids.map(spread).join(''));
    const framing = multiLine({ flush_after: '50ms' });
    await fixture.start(dir, { config: { framing, batch_bytes_max: '100B', last_line_after: '1h' } });
    await stored(ids);
    await appendFile(log, `  at some.where\n${spread('next')}`);
    await stored([...ids, 'next']);
    expect(await letterTexts()).toEqual(['  at some.where']);
  });

  test('wait for the rest of their last line however short the quiet time is', async () => {
    const text = spread('two');
    await writeFile(log, `${spread('one')}${text.slice(0, 30)}`);
    const config = { framing: multiLine({ flush_after: '1ms' }), last_line_after: '1h' };
    const first = await fixture.start(dir, { config });
    await stored(['one']);
    await first.input.stop();
    await fixture.start(dir, { config });
    await appendFile(log, text.slice(30));
    await stored(['one', 'two']);
    expect(await fixture.deadLetters()).toEqual([]);
  });

  test('are the same ones when they must be read again, although lines came after the quiet', async () => {
    await writeFile(log, spread('one'));
    const config = { framing: multiLine({ flush_after: '20ms' }) };
    const first = await fixture.start(dir, { config });
    await stored(['one']);
    await first.input.stop();
    // As after a crash between the append and the mark of all partitions; then the writer goes on.
    await fixture.redis.del(keys.lowWater('in'));
    await appendFile(log, `  at some.where\n${spread('two')}`);
    await fixture.start(dir, { config });
    await stored(['one', 'two']);
    expect(await letterTexts()).toEqual(['  at some.where']);
  });
});

describe('every framing goes on exactly over stops', () => {
  const all = Array.from({ length: 60 }, (_, i) => `t${String(i).padStart(3, '0')}`);
  // Long enough that what is first written to a file without newlines shows which file it is.
  const long = (id: string) => line(id, 100);
  const prefixed = (id: string) => `${String(long(id).length).padStart(5, '0')}${long(id)}`;
  const utf16 = createCharset('utf-16le');

  test.each([
    ['crlf', { framing: { type: 'crlf' } }, (id: string) => Buffer.from(`${line(id)}\r\n`)],
    ['multi-line', { framing: multiLine({ flush_after: '20ms' }) }, (id: string) => Buffer.from(spread(id))],
    [
      'fixed-length',
      { framing: { type: 'fixed-length', bytes: long('t000').length } },
      (id: string) => Buffer.from(long(id)),
    ],
    [
      'length-prefixed',
      { framing: { type: 'length-prefixed', prefix: 'digits', digits: 5 } },
      (id: string) => Buffer.from(prefixed(id)),
    ],
    ['csv', { framing: { type: 'csv', delimiter: '|' } }, (id: string) => Buffer.from(`${line(id)}\n`)],
    ['utf-16', { encoding: 'utf-16le' }, (id: string) => utf16.encode(`${line(id)}\n`)],
  ])('%s', async (_name, config, write) => {
    const pipeline = {
      ...plainPipeline(),
      fromBytes: (record: Parameters<ReturnType<typeof plainPipeline>['fromBytes']>[0]) =>
        plainPipeline().fromBytes({
          ...record,
          bytes: 'encoding' in config ? Buffer.from(utf16.show(record.bytes)) : record.bytes,
        }),
    };
    const options = { config: { ...config, batch_bytes_max: '300B' }, deps: { pipeline } };
    for (let round = 0; round < 6; round += 1) {
      const { input } = await fixture.start(dir, options);
      const ids = all.slice(0, (round + 1) * 10);
      const bytes = Buffer.concat(ids.slice(-10).map(write));
      // Half of a record is there when the input stops.
      const cut = bytes.length - 40;
      await appendFile(log, bytes.subarray(0, cut));
      await until(async () => expect((await fixture.ids()).length).toBeGreaterThanOrEqual(ids.length - 2));
      await input.stop();
      await appendFile(log, bytes.subarray(cut));
    }
    await fixture.start(dir, options);
    await stored(all);
    expect(await fixture.deadLetters()).toEqual([]);
  });
});

describe('records with their length before them', () => {
  const config = {
    framing: { type: 'length-prefixed', prefix: 'uint16be' },
    last_line_after: '10ms',
    close_after: '50ms',
  };
  const record = (text: string) => {
    const bytes = Buffer.from(text);
    return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
  };

  test('wait for the rest of the last one as long as the file is there, and tell of it when it is gone', async () => {
    const two = record(line('two'));
    await writeFile(log, Buffer.concat([record(line('one')), two.subarray(0, 30)]));
    const { input } = await fixture.start(dir, { config });
    await stored(['one']);
    await input.stop();
    await fixture.start(dir, { config });
    await appendFile(log, Buffer.concat([two.subarray(30), record('three').subarray(0, 5)]));
    await stored(['one', 'two']);
    expect(await fixture.deadLetters()).toEqual([]);
    await rm(log);
    await until(async () =>
      expect(await fixture.deadLetters()).toMatchObject([
        { stage: 'frame', reason: 'the record ends before the length that it says' },
      ]),
    );
  });
});

describe('the settings', () => {
  const problems = (more: object) =>
    v
      .safeParse(fileInput.config, { type: 'file', name: 'a', paths: ['x'], ...more })
      .issues?.map((issue) => `${v.getDotPath(issue)} ${issue.message}`);

  test('that do not go together are refused by name', () => {
    expect(problems({ framing: { type: 'xml' }, encoding: 'utf-16le' })).toEqual([
      'framing.type xml cannot cut utf-16le, whose characters have several bytes each',
    ]);
    expect(problems({ framing: { type: 'fixed-length', bytes: 200 }, line_bytes_max: '100B' })).toEqual([
      'framing.bytes must be at most line_bytes_max',
    ]);
    expect(problems({ framing: { type: 'lines' } })?.[0]).toMatch(
      /^framing\.type must have a `type` that is one of newline, crlf, /,
    );
    expect(problems({ encoding: 'koreanic' })?.[0]).toMatch(
      /^encoding is not an encoding that is known here/,
    );
    expect(problems({ on_bad_bytes: 'drop' })).toEqual(['on_bad_bytes must be dead-letter or replace']);
  });
});
