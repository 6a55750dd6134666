import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NATIVE_ENCODING, rfh2 } from './rfh2-fixture.ts';
import { leavesOf, unwrapRfh2 } from './rfh2.ts';

const read = (folders: readonly string[]) => {
  const unwrapped = unwrapRfh2(rfh2(folders, 'body'), NATIVE_ENCODING, 1208);
  if ('error' in unwrapped) throw new Error(unwrapped.error);
  return unwrapped;
};
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('folders are objects; what is in them nests and repeats', () => {
  const { folders, body, format, ccsid } = read([
    `<mcd><Msd>jms_text</Msd></mcd>  `,
    `<usr><a dt="i4">1</a><b/><c><d>x</d><d>y</d></c></usr>`,
  ]);
  expect(plain(folders)).toEqual({ mcd: { Msd: 'jms_text' }, usr: { a: '1', b: '', c: { d: ['x', 'y'] } } });
  expect(leavesOf(folders, 'rfh2')).toEqual([
    ['rfh2.mcd.Msd', 'jms_text'],
    ['rfh2.usr.a', '1'],
    ['rfh2.usr.b', ''],
    ['rfh2.usr.c.d.0', 'x'],
    ['rfh2.usr.c.d.1', 'y'],
  ]);
  expect({ body: body.toString(), format, ccsid }).toEqual({ body: 'body', format: 'MQSTR', ccsid: 1208 });
});

test('entities are what they stand for, and unknown ones stay', () => {
  expect(plain(read(['<usr><a>&lt;&amp;&gt;&#44032;&#xAC00;&nbsp;</a></usr>']).folders)).toEqual({
    usr: { a: '<&>가가&nbsp;' },
  });
});

test('a header after a header is taken off as well; a body in the CCSID of what is around it inherits that', () => {
  const inner = rfh2(['<usr><b>2</b></usr>'], 'body', 'MQSTR', -2);
  const outer = rfh2(['<usr><a>1</a></usr>'], inner, 'MQHRF2', 949);
  const unwrapped = unwrapRfh2(outer, NATIVE_ENCODING, 1208);
  expect(unwrapped).toMatchObject({ format: 'MQSTR', ccsid: 949, body: Buffer.from('body') });
});

test('a format may be padded with NULs, as programs in C do', () => {
  const inner = rfh2(['<usr><b>2</b></usr>'], 'body', 'MQSTR\0\0\0');
  const outer = rfh2(['<usr><a>1</a></usr>'], inner, 'MQHRF2\0\0');
  const unwrapped = unwrapRfh2(outer, NATIVE_ENCODING, 1208);
  expect(unwrapped).toMatchObject({ format: 'MQSTR', body: Buffer.from('body') });
});

test('a name __proto__ is a name', () => {
  const { folders } = read(['<usr><__proto__>x</__proto__></usr>']);
  expect(leavesOf(folders, 'rfh2')).toEqual([['rfh2.usr.__proto__', 'x']]);
});

describe('a header that is broken is told of', () => {
  test.each([
    ['<usr><a>1</usr>', 'closes nothing'],
    ['<usr>', 'not closed'],
    ['<usr <a>', 'cannot be read'],
    ['</usr>', 'closes nothing'],
    ['<a>'.repeat(40), 'nested deeper'],
  ])('%s', (folder, words) => {
    expect(unwrapRfh2(rfh2([folder], 'x'), NATIVE_ENCODING, 1208)).toEqual({
      error: expect.stringContaining(words) as string,
    });
  });

  test('whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), (noise, at) => {
        const message = rfh2(['<usr><a>1</a></usr>'], 'x');
        message.set(noise.subarray(0, message.length - (at % message.length)), at % message.length);
        const unwrapped = unwrapRfh2(message, NATIVE_ENCODING, 1208);
        expect('error' in unwrapped || Buffer.isBuffer(unwrapped.body)).toBe(true);
      }),
    );
  });
});
