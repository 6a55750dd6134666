import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createTestQueueManager, expectReport, getTask, QUEUES } from './queue-manager-fixture.ts';
import type { TestQueueManager } from './queue-manager-fixture.ts';
import type { BrowseTask, GetTask, Message } from './protocol.ts';

/** MQ calls by the ibmmq package, as the input's processes make them: what the stand-in must be right about, and a real queue manager is. */

let fixture: TestQueueManager;
beforeAll(async () => {
  fixture = await createTestQueueManager();
});
afterEach(() => fixture.clean());
afterAll(() => fixture.end());

const COMMIT = { kind: 'commit', setAside: [], backoutQueue: '' } as const;
const texts = (messages: readonly Message[]) => messages.map(({ data }) => Buffer.from(data).toString());

async function getting(queue: string, more: Partial<GetTask> = {}) {
  const running = await fixture.task<GetTask>(getTask(queue, more));
  const connected = await expectReport(running, 'connected');
  const batch = async () => {
    const report = await expectReport(running, 'batch', 'idle');
    return report.kind === 'batch' ? report.messages : [];
  };
  return { running, connected, batch };
}

describe('messages that were got', () => {
  test('are gone when they are committed, and come again in order, counted, when they are backed out', async () => {
    await fixture.put(QUEUES.a, ['one', 'two', 'three']);
    const { running, batch } = await getting(QUEUES.a, { batchMessagesMax: 2 });
    running.answer({ kind: 'go_on' });
    const first = await batch();
    expect(texts(first)).toEqual(['one', 'two']);
    running.answer({ kind: 'back_out' });
    await expectReport(running, 'settled');
    running.answer({ kind: 'go_on' });
    const again = await batch();
    // One that came back ends its batch.
    expect(texts(again)).toEqual(['one']);
    expect(again[0]?.descriptor).toMatchObject({
      backoutCount: 1,
      messageId: first[0]?.descriptor.messageId,
    });
    running.answer(COMMIT);
    await expectReport(running, 'settled');
    running.answer({ kind: 'stop' });
    await expectReport(running, 'done');
    expect(texts(await fixture.browse(QUEUES.a))).toEqual(['two', 'three']);
  });

  test('come back when their process is killed', async () => {
    await fixture.put(QUEUES.a, ['one', 'two']);
    const { running, batch } = await getting(QUEUES.a);
    running.answer({ kind: 'go_on' });
    expect(await batch()).toHaveLength(2);
    expect(await fixture.browse(QUEUES.a)).toEqual([]);
    await running.end();
    const back = await expect
      .poll(() => fixture.browse(QUEUES.a))
      .toHaveLength(2)
      .then(() => fixture.browse(QUEUES.a));
    expect(back.map(({ descriptor }) => descriptor.backoutCount)).toEqual([1, 1]);
  });

  test('are whole, however small the buffer was', async () => {
    const long = 'x'.repeat(300_000);
    await fixture.put(QUEUES.a, ['short', long, 'short again']);
    const { running, batch } = await getting(QUEUES.a, { bufferBytes: 16 });
    running.answer({ kind: 'go_on' });
    expect(texts(await batch())).toEqual(['short', long, 'short again']);
  });
});

describe('a getter that waits', () => {
  test('says so when nothing comes, and is given what does', async () => {
    const { running, batch } = await getting(QUEUES.a);
    running.answer({ kind: 'go_on' });
    expect(await batch()).toEqual([]);
    running.answer({ kind: 'go_on' });
    const [messages] = await Promise.all([nextMessages(), fixture.put(QUEUES.a, ['late'])]);
    expect(texts(messages)).toEqual(['late']);

    async function nextMessages(): Promise<Message[]> {
      for (;;) {
        const messages = await batch();
        if (messages.length > 0) return messages;
        running.answer({ kind: 'go_on' });
      }
    }
  });

  test('is told what the queue says of backouts', async () => {
    const { connected } = await getting(QUEUES.poison);
    expect(connected).toEqual({
      kind: 'connected',
      facts: { backoutThreshold: 3, backoutQueue: QUEUES.backout },
    });
  });
});

describe('conversion by the queue manager', () => {
  const text = '주문 접수 확인';
  test.each([
    [949, 'c1d6b9ae20c1a2bcf620c8aec0ce'],
    [970, 'c1d6b9ae20c1a2bcf620c8aec0ce'],
    [1208, Buffer.from(text).toString('hex')],
    // EBCDIC: Hangul between shift-out and shift-in.
    [933, '0eba81a2850f400eb8f3ae810f400ed1c2b7a50f'],
  ])('makes UTF-8 of CCSID %i', async (ccsid, hex) => {
    await fixture.put(QUEUES.a, [Buffer.from(hex, 'hex')], { ccsid });
    const { running, batch } = await getting(QUEUES.a);
    running.answer({ kind: 'go_on' });
    const messages = await batch();
    expect(texts(messages)).toEqual([text]);
    expect(messages[0]?.descriptor.ccsid).toBe(1208);
  });

  test('leaves a message as it is that is no text, and one in a CCSID that it does not know', async () => {
    await fixture.put(QUEUES.a, [Buffer.from([0xb0, 0xa1])], { ccsid: 949, format: '' });
    await fixture.put(QUEUES.a, ['abc'], { ccsid: 65_500 });
    const { running, batch } = await getting(QUEUES.a);
    running.answer({ kind: 'go_on' });
    const messages = await batch();
    expect(messages.map(({ data }) => Buffer.from(data).toString('hex'))).toEqual(['b0a1', '616263']);
    expect(messages.map(({ descriptor }) => descriptor.ccsid)).toEqual([949, 65_500]);
    expect(messages[1]?.unconverted).toBeGreaterThanOrEqual(2110);
  });

  test('that makes a text longer than the buffer leads to a larger buffer, not to half a text', async () => {
    const bytes = Buffer.from('c1d6'.repeat(20), 'hex');
    await fixture.put(QUEUES.a, [bytes], { ccsid: 949 });
    const { running, batch } = await getting(QUEUES.a, { bufferBytes: 42 });
    running.answer({ kind: 'go_on' });
    expect(texts(await batch())).toEqual(['주'.repeat(20)]);
  });
});

test('browsing shows messages and leaves them', async () => {
  await fixture.put(QUEUES.b, ['one', 'two']);
  expect(texts(await fixture.browse(QUEUES.b))).toEqual(['one', 'two']);
  const limited = await fixture.task<BrowseTask>({
    kind: 'browse',
    queue: QUEUES.b,
    messagesMax: 1,
    convert: false,
  });
  await expectReport(limited, 'batch');
  limited.answer({ kind: 'go_on' });
  await expectReport(limited, 'done');
  expect(await fixture.browse(QUEUES.b)).toHaveLength(2);
});

test('a queue that is not there is a reason code', async () => {
  const running = await fixture.task<GetTask>(getTask('TRANWEAVE.TEST.NONE'));
  expect(await expectReport(running, 'failed')).toEqual({ kind: 'failed', verb: 'OPEN', reason: 2085 });
});
