import { expect, test } from 'vitest';
import { createDecoder } from './registry.ts';

function decode(text: string): unknown {
  const decoded = createDecoder({ type: 'syslog' }).decode({
    bytes: Buffer.from(text),
    event_id: 'e',
    meta: {},
  });
  return 'fields' in decoded ? (JSON.parse(JSON.stringify(decoded.fields[0])) as unknown) : decoded.error;
}

// The examples of RFC 5424 6.5 and RFC 3164 5.4, and what daemons write into files.
test.each([
  [
    "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \uFEFF'su root' failed for lonvick on /dev/pts/8",
    {
      priority: '34',
      facility: 'auth',
      severity: 'crit',
      version: '1',
      timestamp: '2003-10-11T22:14:15.003Z',
      hostname: 'mymachine.example.com',
      app_name: 'su',
      msgid: 'ID47',
      message: "'su root' failed for lonvick on /dev/pts/8",
    },
  ],
  [
    '<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"][examplePriority@32473 class="high"]',
    {
      priority: '165',
      facility: 'local4',
      severity: 'notice',
      version: '1',
      timestamp: '2003-10-11T22:14:15.003Z',
      hostname: 'mymachine.example.com',
      app_name: 'evntslog',
      msgid: 'ID47',
      structured_data: {
        'exampleSDID@32473': { iut: '3', eventSource: 'Application', eventID: '1011' },
        'examplePriority@32473': { class: 'high' },
      },
    },
  ],
  [
    String.raw`<13>1 - - - - - [a x="1" x="\"2\"" y="a\]\\" z="\n"][b] m`,
    {
      priority: '13',
      facility: 'user',
      severity: 'notice',
      version: '1',
      structured_data: { a: { x: ['1', '"2"'], y: 'a]\\', z: String.raw`\n` }, b: {} },
      message: 'm',
    },
  ],
  [
    "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
    {
      priority: '34',
      facility: 'auth',
      severity: 'crit',
      timestamp: 'Oct 11 22:14:15',
      hostname: 'mymachine',
      app_name: 'su',
      message: "'su root' failed for lonvick on /dev/pts/8",
    },
  ],
  [
    '<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!',
    {
      priority: '13',
      facility: 'user',
      severity: 'notice',
      timestamp: 'Feb  5 17:32:18',
      hostname: '10.0.0.99',
      message: 'Use the BFG!',
    },
  ],
  [
    '2026-01-31T18:15:00.123456+09:00 hub-1 eai[4242]: txn=T1 step=hub',
    {
      timestamp: '2026-01-31T18:15:00.123456+09:00',
      hostname: 'hub-1',
      app_name: 'eai',
      procid: '4242',
      message: 'txn=T1 step=hub',
    },
  ],
  ['<192>Oct 11 22:14:15 a b', 'has no priority like <134> at its beginning, up to <191>'],
  ['<a>', 'has no priority like <134> at its beginning, up to <191>'],
  ['<13>hello', 'has no time as RFC 3164 or RFC 5424 wants it behind its priority'],
  ['<13>1 hello', 'has no header as RFC 5424 wants it: version, time, host, application, process, id'],
  ['<13>1 - - - - - x', 'has neither structured data nor a - in its place'],
  ['<13>1 - - - - - [a x="1] m', 'has structured data that breaks off at character 20'],
  ['<13>1 - - - - - [a x=1] m', 'has structured data that breaks off at character 20'],
  ['<13>1 - - - - - [] m', 'has structured data without an id at character 18'],
  ['<13>1 - - - - - -m', 'has no space between its structured data and its message'],
  ['Oct 11 22:14:15 ', 'has no host behind its time'],
  ['', 'has no time as RFC 3164 or RFC 5424 wants it behind its priority'],
])('%s', (text, expected) => {
  expect(decode(text)).toEqual(expected);
});

test('names of structured data are only names, and many of them take no time to speak of', () => {
  const decoder = createDecoder({ type: 'syslog' });
  const decoded = decoder.decode({
    bytes: Buffer.from(`<13>1 - - - - - [__proto__ __proto__="1"${' a=""'.repeat(200_000)}] m`),
    event_id: 'e',
    meta: {},
  });
  const fields = 'fields' in decoded ? decoded.fields[0]! : {};
  const data = fields['structured_data'] as Record<string, Record<string, unknown>>;
  expect(Object.keys(data)).toEqual(['__proto__']);
  expect(Object.keys(data['__proto__']!)).toEqual(['__proto__', 'a']);
  expect(data['__proto__']!['a']).toHaveLength(200_000);
});
