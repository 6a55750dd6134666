import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { postOf, statusOf } from './connection.ts';
import { writeOpenLoad } from './growth-load.ts';
import { writeSteadyLoad } from './steady-load.ts';

interface Log {
  event_id: string;
  transaction_id: string;
  step: string;
}

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tranweave-bench-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function logsOf(file: string): Promise<Log[]> {
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Log);
}

test('a steady load knows the place of every log', async () => {
  const load = await writeSteadyLoad(join(dir, 'steady'), 700, 300);
  const logs = await logsOf(load.file);
  expect([logs.length, load.lines]).toEqual([2_100, 2_100]);
  expect(logs.map(({ transaction_id: id, step }) => load.placeOf(id, step))).toEqual(logs.map((_, at) => at));
  expect(load.placeOf('OTHER-000000001', 'send')).toBeUndefined();
  expect(load.placeOf('STEADY-000000001', 'other')).toBeUndefined();
});

test('as many transactions are open after the turns as before', async () => {
  const { opening, turning } = await writeOpenLoad(dir, 10_000, 5_000);
  const opened = await logsOf(opening.file);
  const turned = await logsOf(turning.file);
  expect([opening.lines, turning.lines]).toEqual([10_000, 15_000]);
  expect(new Set([...opened, ...turned].map(({ event_id: id }) => id)).size).toBe(25_000);
  const open = new Set(opened.map(({ transaction_id: id }) => id));
  let completed = 0;
  for (const { transaction_id: id, step } of turned) {
    if (step === 'send') open.add(id);
    else expect(open.has(id)).toBe(true);
    if (step === 'receive' && open.delete(id)) completed += 1;
  }
  expect([completed, open.size]).toEqual([5_000, 10_000]);
});

test('more turns than there are open transactions are refused', async () => {
  await expect(writeOpenLoad(dir, 10, 11)).rejects.toThrow(RangeError);
});

test('an answer counts once all of it has come', () => {
  const answer = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nRetry-After: 1\r\n\r\nbusy';
  expect(statusOf(answer)).toBe(503);
  for (let length = 0; length < answer.length; length += 1) {
    expect(statusOf(answer.slice(0, length))).toBeUndefined();
  }
  expect(() => statusOf('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')).toThrow('Content-Length');
});

test('one log is sent as an object, several as lines; lengths are bytes', () => {
  const url = new URL('http://127.0.0.1:8080/v1/logs');
  expect(String(postOf(url, ['{"é":1}']))).toMatch(
    /application\/json\r\ncontent-length: 8\r\n\r\n\{"é":1\}$/,
  );
  expect(String(postOf(url, ['1', '2']))).toMatch(/x-ndjson\r\ncontent-length: 4\r\n\r\n1\n2\n$/);
});
