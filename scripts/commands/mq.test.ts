import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { createTestQueueManager, QUEUES } from '../../collector/inputs/ibm-mq/queue-manager-fixture.ts';
import type { TestQueueManager } from '../../collector/inputs/ibm-mq/queue-manager-fixture.ts';
import { rfh2 } from '../../collector/inputs/ibm-mq/rfh2-fixture.ts';

const CLI = fileURLToPath(new URL('../../dist/scripts/cli.js', import.meta.url));

let queueManager: TestQueueManager;
let dir = '';
beforeAll(async () => {
  queueManager = await createTestQueueManager();
  dir = await mkdtemp(join(tmpdir(), 'tranweave-mq-'));
  const input = { type: 'ibm-mq', name: 'hub', queues: [QUEUES.a], ...queueManager.settings };
  await writeFile(join(dir, 'tranweave.yml'), stringify({ inputs: [input] }));
  await writeFile(join(dir, 'none.yml'), stringify({ inputs: [{ type: 'http', name: 'web' }] }));
});
afterEach(() => queueManager.clean());
afterAll(async () => {
  await queueManager.end();
  await rm(dir, { recursive: true });
});

interface Run {
  code: number;
  out: string;
  error: string;
}

function mq(args: readonly string[], input: string | Buffer = '', config = 'tranweave.yml'): Promise<Run> {
  return new Promise((resolve) => {
    const words = ['mq', ...args, '--config', join(dir, config)];
    const child = execFile(process.execPath, [CLI, ...words], { timeout: 20_000 }, (failed, out, error) =>
      resolve({ code: failed === null ? 0 : 1, out, error }),
    );
    child.stdin?.end(input);
  });
}
const texts = async (queue: string) =>
  (await queueManager.browse(queue)).map(({ data }) => Buffer.from(data).toString());

test('put makes a message of every line, whatever its bytes are', async () => {
  const lines = Buffer.concat([
    Buffer.from('one\r\n\n'),
    Buffer.from('c1d6b9ae', 'hex'),
    Buffer.from('\nlast'),
  ]);
  const { out } = await mq(['put', '--queue', QUEUES.b, '--ccsid', '949'], lines);
  expect(out).toBe(`3 messages put to ${QUEUES.b}\n`);
  const messages = await queueManager.browse(QUEUES.b);
  expect(messages.map(({ data }) => Buffer.from(data).toString('latin1'))).toEqual(['one', 'ÁÖ¹®', 'last']);
  expect(messages[0]?.descriptor).toMatchObject({ format: 'MQSTR', ccsid: 949 });
});

test('put can make one message of all there is', async () => {
  expect((await mq(['put', '--queue', QUEUES.b, '--whole'], 'one\ntwo\n')).out).toContain('1 message put');
  expect(await texts(QUEUES.b)).toEqual(['one\ntwo\n']);
});

test('browse shows messages as they are read, and leaves them', async () => {
  await queueManager.put(QUEUES.a, ['{"a":1}', Buffer.from('c1d6b9ae', 'hex')], { ccsid: 949 });
  await queueManager.put(QUEUES.a, [rfh2(['<usr><a>1</a></usr>'], 'behind')], { format: 'MQHRF2' });
  const { out } = await mq(['browse', '--queue', QUEUES.a]);
  expect(out.split('\n').filter((line) => line.startsWith('  '))).toEqual([
    '  {"a":1}',
    '  주문',
    '  behind',
  ]);
  const json = await mq(['browse', '--queue', QUEUES.a, '--json', '--limit', '2']);
  const rows = json.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(rows.map(({ data, format, backoutCount }) => ({ data, format, backoutCount }))).toEqual([
    { data: '{"a":1}', format: 'MQSTR', backoutCount: 0 },
    { data: '주문', format: 'MQSTR', backoutCount: 0 },
  ]);
  expect(await texts(QUEUES.a)).toHaveLength(3);
});

test('browse says that a queue is empty', async () => {
  expect((await mq(['browse', '--queue', QUEUES.a])).out).toBe(`${QUEUES.a} is empty\n`);
});

test('what goes wrong is told in one line', async () => {
  expect(await mq(['browse', '--queue', 'TRANWEAVE.TEST.NONE'])).toEqual({
    code: 1,
    out: '',
    error: 'tranweave: there is no such queue (MQOPEN: 2085, MQRC_UNKNOWN_OBJECT_NAME)\n',
  });
  expect((await mq(['put', '--queue', QUEUES.a, '--input', 'other'], 'x')).error).toContain(
    'no input of type ibm-mq and name other',
  );
  expect((await mq(['browse', '--queue', QUEUES.a], '', 'none.yml')).error).toContain(
    'has no input of type ibm-mq',
  );
});
