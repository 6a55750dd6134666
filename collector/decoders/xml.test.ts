import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { createCharset } from '../charset.ts';
import { createDecoder, decoderSchema } from './registry.ts';

function decode(text: string, config: object = {}, encoding = 'utf-8'): unknown {
  const charset = createCharset(encoding);
  const decoder = createDecoder(v.parse(decoderSchema, { type: 'xml', ...config }), charset);
  const decoded = decoder.decode({ bytes: charset.encode(text), event_id: 'e', meta: {} });
  if ('error' in decoded) return decoded.error;
  const fields = JSON.parse(JSON.stringify(decoded.fields)) as unknown[];
  return fields.length === 1 ? fields[0] : fields;
}

const order = `<?xml version="1.0" encoding="UTF-8"?>
<!-- an order -->
<po:order xmlns:po="urn:po" xmlns="urn:x" no="12" po:kind='a "b"'>
  <po:customer><name>홍길동 &amp; Söhne &#44032;&#xAC01;</name><note/></po:customer>
  <items><item price="1.50">A</item><item price="2">B</item></items>
  <total>  3.50
  </total><![CDATA[ <raw> ]]>
</po:order>
<?done ?>`;

describe('XML documents', () => {
  test('become objects of their attributes, elements and texts', () => {
    expect(decode(order)).toEqual({
      '@no': '12',
      '@kind': 'a "b"',
      customer: { name: '홍길동 & Söhne 가각', note: '' },
      items: {
        item: [
          { '@price': '1.50', '#text': 'A' },
          { '@price': '2', '#text': 'B' },
        ],
      },
      total: '3.50',
      '#text': '<raw>',
    });
  });

  test('keep prefixes, and name lists and attributes, as they are told', () => {
    const config = { namespaces: 'prefix', attribute_prefix: '', lists: ['total', 'po:customer'] };
    expect(decode(order, config)).toMatchObject({
      no: '12',
      'po:kind': 'a "b"',
      'po:customer': [{ note: '' }],
      total: ['3.50'],
    });
  });

  test('may hold several records', () => {
    const text = '<b><os><o id="1"/><x/><o id="2"/></os><os><o><id>3</id></o></os></b>';
    expect(decode(text, { records: ['os', 'o'] })).toEqual([{ '@id': '1' }, { '@id': '2' }, { id: '3' }]);
    expect(decode(text, { records: ['os', 'p'] })).toBe('has no element os / p below its root "b"');
  });

  test('are read in the encoding of the input, whatever they say themselves', () => {
    expect(decode('\uFEFF<?xml version="1.0" encoding="UTF-8"?><a>한글</a>', {}, 'utf-16le')).toEqual({
      '#text': '한글',
    });
    expect(decode('<a><나>똠</나></a>', {}, 'cp949')).toEqual({ 나: '똠' });
  });

  test('with names that objects have are only names', () => {
    const decoded = createDecoder(v.parse(decoderSchema, { type: 'xml' })).decode({
      bytes: Buffer.from('<a __proto__="1"><__proto__><toString>2</toString></__proto__></a>'),
      event_id: 'e',
      meta: {},
    });
    const fields = 'fields' in decoded ? decoded.fields[0]! : {};
    expect(Object.keys(fields)).toEqual(['@__proto__', '__proto__']);
    expect(Object.keys(fields['__proto__'] as object)).toEqual(['toString']);
    expect(({} as Record<string, unknown>)['toString']).toBeTypeOf('function');
  });

  test.each([
    ['', 'has no element at line 1, column 1'],
    ['hello', 'has text outside of its root element at line 1, column 1'],
    ['<a>', 'ends before its element "a" at line 1, column 4'],
    ['<a></b>', 'closes "b" where "a" is open at line 1, column 4'],
    ['<a><b></a></b>', 'closes "a" where "b" is open at line 1, column 7'],
    ['</a>', 'closes "a" where nothing is open at line 1, column 1'],
    ['<a/>\n<b/>', 'has a second root element, "b", at line 2, column 1'],
    ['<a/>\nx', 'has text outside of its root element at line 2, column 1'],
    ['<a b="1" b="2"/>', 'has the attribute "b" twice in an element at line 1, column 10'],
    ['<a b=1/>', 'has an attribute "b" without a value in quotes at line 1, column 6'],
    ['<a b/>', 'has an attribute "b" without a value in quotes at line 1, column 6'],
    ['<a b="1"c="2"/>', 'has no space before an attribute at line 1, column 9'],
    ['<a b="<"/>', 'has a < in its attribute "b" at line 1, column 7'],
    ['<a b="1>', 'has an attribute "b" that is not closed at line 1, column 6'],
    ['<a>&nbsp;</a>', 'has a & that begins no known entity ("nbsp") at line 1, column 4'],
    ['<a>&#0;</a>', 'has a & that begins no known entity ("#0") at line 1, column 4'],
    ['<a>&#xD800;</a>', 'has a & that begins no known entity ("#xD800") at line 1, column 4'],
    ['<a>R & D</a>', 'has a & that begins no known entity (" D") at line 1, column 6'],
    ['<a><!-- </a>', 'has a comment that is not closed at line 1, column 4'],
    ['<a><![CDATA[</a>', 'has a CDATA section that is not closed at line 1, column 4'],
    ['<a', 'has an element "a" whose tag breaks off at line 1, column 3'],
    ['<1/>', 'has an element without a name at line 1, column 2'],
    ['<!DOCTYPE a><a/>x', 'has text outside of its root element at line 1, column 17'],
    ['<a><!DOCTYPE a></a>', 'has a document type within it at line 1, column 4'],
  ])('%s is refused', (text, problem) => {
    expect(decode(text)).toBe(problem);
  });

  test('a document type that names one from elsewhere declares nothing, and nothing is fetched', () => {
    expect(decode('<!DOCTYPE a PUBLIC "-//x" "file:///etc/passwd"><a b="1"/>')).toEqual({ '@b': '1' });
  });

  test('a billion laughs are refused before the first', () => {
    const levels = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`);
    const bomb = `<!DOCTYPE l [<!ENTITY l0 "lol">${levels.join('')}]><l>&l9;</l>`;
    expect(decode(bomb)).toMatch(/^has a document type with declarations/);
    const external = '<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><l>&x;</l>';
    expect(decode(external)).toMatch(/^has a document type with declarations/);
  });

  test('elements may stand in elements as deep as is allowed, and no deeper', () => {
    const nested = (depth: number) => `${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}`;
    expect(decode(nested(64))).toBeTypeOf('object');
    expect(decode(nested(65))).toBe('has elements deeper than 64 levels at line 1, column 193');
    expect(decode(nested(1000), { depth_max: 1000 })).toBeTypeOf('object');
    expect(decode('<a>'.repeat(1_000_000))).toMatch(/^has elements deeper/);
  });

  test.each([
    ['attributes', `<a ${'b '.repeat(2_000_000)}`],
    ['a long name', `<${'a'.repeat(5_000_000)}`],
    ['a document type', `<!DOCTYPE a ${' '.repeat(5_000_000)}`],
    ['quotes in a document type', `<!DOCTYPE a ${'"" '.repeat(2_000_000)}`],
    ['entities', `<a>${'&'.repeat(5_000_000)}</a>`],
    ['elements', `<a>${'<b/>'.repeat(300_000)}`],
    ['comments', `<a>${'<!-- -->'.repeat(500_000)}`],
  ])('megabytes of %s take no time to speak of', (_what, text) => {
    expect(decode(text)).toBeTypeOf('string');
  });
});
