import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCharset } from '../../charset.ts';
import { createFraming } from '../../framing/registry.ts';
import type { Frame } from '../../framing/framer.ts';
import { JSON_OBJECTS_MAX } from '../../exact-json.ts';
import { cutFramed } from './framed.ts';
import { cutRecords, textIn } from './records.ts';

/** Bodies that are small while they travel, and megabytes of next to nothing afterwards. */

const MiB = 1024 * 1024;

describe('blank lines', () => {
  test('are passed with a turn for others in every megabyte, and count in the numbers of lines', () => {
    const body = Buffer.concat([
      Buffer.from('{"a":1}\n'),
      Buffer.alloc(5 * MiB, ' \r\n'),
      Buffer.from('\n{x'),
    ]);
    const found = [...cutRecords(textIn(body), 'lines')];
    expect(found.map((record) => record?.line?.toString())).toEqual([
      '{"a":1}',
      ...Array.from({ length: 4 }, () => undefined),
      '{x',
    ]);
    const last = found.at(-1);
    const line = body.toString().split('\n').length;
    expect(last?.line !== undefined && last.parse()).toMatchObject({
      reason: expect.stringContaining(`at line ${line}, column`),
    });
  });

  test('are told from lines of any other kind, whose bytes stay as they are', () => {
    const text = fc.array(fc.constantFrom(' ', '\t', '\r', '\n', '\n', 'x', '{}'), { maxLength: 30 });
    fc.assert(
      fc.property(text, (pieces) => {
        const body = Buffer.from(pieces.join(''));
        const lines = [...cutRecords(body, 'lines')].map((record) => record?.line?.toString());
        expect(lines).toEqual(
          body
            .toString()
            .split('\n')
            .filter((line) => /[^ \t\r]/.test(line)),
        );
      }),
    );
  });

  test('of a body for a decoder are cut piece by piece, with turns for others', async () => {
    const framing = createFraming(
      { type: 'newline' },
      { charset: createCharset(), recordBytesMax: 16 * MiB },
    );
    const body = Buffer.concat([Buffer.alloc(2 * MiB, '\n'), Buffer.from('x')]);
    let turns = 0;
    const counting = setInterval(() => (turns += 1), 0);
    expect(await cutFramed(body, framing, 1)).toMatchObject([{ framed: { bytes: Buffer.from('x') } }]);
    clearInterval(counting);
    expect(turns).toBeGreaterThan(2);
  });
});

test('records that stand across the pieces of a body for a decoder are as they are in one piece', async () => {
  const lines = Array.from(
    { length: 40_000 },
    (_, i) => `${i},"${'x'.repeat(i % 97)}\n${'y'.repeat(i % 13)}"`,
  );
  const body = Buffer.from(lines.join('\n'));
  for (const config of [{ type: 'newline' }, { type: 'csv', delimiter: ',', quote: '"' }] as const) {
    const framing = createFraming(config, { charset: createCharset(), recordBytesMax: MiB });
    const whole: string[] = [];
    const emit = ({ bytes }: Frame) => whole.push(bytes.toString());
    const framer = framing.open(0);
    framer.push(body, emit);
    framer.flush(emit);
    const cut = await cutFramed(body, framing, 100_000);
    expect(cut.map(({ framed }) => framed?.bytes.toString())).toEqual(whole);
  }
});

describe('a body of more objects and lists than may be', () => {
  const many = '['.repeat(JSON_OBJECTS_MAX + 1);

  test.each([
    ['nested', `${many}${']'.repeat(JSON_OBJECTS_MAX + 1)}`],
    ['side by side', `[${'{},'.repeat(JSON_OBJECTS_MAX)}{}]`],
    ['that is no JSON', many],
    ['in one object', `{"a":${many}`],
  ])('%s is answered 413 before it is parsed', (_, text) => {
    const parsed = () => {
      for (const record of cutRecords(textIn(Buffer.from(text)), 'document')) {
        if (record?.line !== undefined) record.parse();
      }
    };
    expect(parsed).toThrow(
      expect.objectContaining({
        status: 413,
        message:
          'the body has more than 1000000 objects and lists; send it as NDJSON, or in several requests',
      }),
    );
  });

  test('is one record that is rejected where it is a line', () => {
    const found = [...cutRecords(Buffer.from(`{"a":1}\n{"a":${many}`), 'document')];
    expect(found).toHaveLength(2);
    const [, line] = found;
    expect(line?.line !== undefined && line.parse().reason).toBe('has more than 1000000 objects and lists');
  });
});
