import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../../common/testing/until.ts';
import { aLog, createMqFixture } from './fixture.ts';
import type { MqFixture } from './fixture.ts';
import type { GetTask } from './protocol.ts';
import { getTask, isReal, QUEUES } from './queue-manager-fixture.ts';
import { rfh2 } from './rfh2-fixture.ts';

/** What becomes of messages: logs, dead letters, messages that were set aside. */

let fixture: MqFixture;
beforeAll(async () => {
  fixture = await createMqFixture();
});
afterEach(() => fixture.clean());
afterAll(() => fixture.end());

const logsAre = (...ids: string[]) =>
  until(`logs are ${ids.join(', ')}`, async () => (await fixture.ids()).join() === ids.toSorted().join());
const deadLettersAre = (count: number) =>
  until(`there are ${count} dead letters`, async () => (await fixture.deadLetters()).length === count);
const isEmpty = (queue: string) =>
  until(`${queue} is empty`, async () => (await fixture.browse(queue)).length === 0);

test('messages become logs, and are committed', async () => {
  await fixture.put(QUEUES.a, [aLog('A'), aLog('B')]);
  const running = await fixture.start();
  await logsAre('A', 'B');
  await fixture.put(QUEUES.a, [aLog('C')]);
  await logsAre('A', 'B', 'C');
  await isEmpty(QUEUES.a);
  const [log] = await fixture.logs();
  expect(log).toMatchObject({ channel: 'ibm-mq', input: 'mq' });
  expect(log?.event_id).toMatch(/^mq:TRANWEAVE\.TEST\.A:[0-9a-f]{48}:\d{16}$/);
  expect(await running.metric('tranweave_collector_logs_total')).toBe(3);
  expect(running.input.trouble()).toBeUndefined();
  expect(running.health.report().healthy).toBe(true);
});

test('several queues are got from side by side, each by several getters', async () => {
  const ids = Array.from({ length: 60 }, (_, index) => `T${index}`);
  await fixture.put(
    QUEUES.a,
    ids.slice(0, 30).map((id) => aLog(id)),
  );
  await fixture.put(
    QUEUES.b,
    ids.slice(30).map((id) => aLog(id)),
  );
  await fixture.start({ config: { queues: [QUEUES.a, QUEUES.b], getters: 2, batch_messages_max: 5 } });
  await logsAre(...ids);
  await until('four are connected', () => isReal || fixture.server.connections().length === 4);
});

test('a message of 20 MiB is taken as any other', async () => {
  await fixture.put(QUEUES.a, [aLog('A', { payload: 'x'.repeat(20 * 1024 * 1024) }), aLog('B')]);
  await fixture.start();
  await until('both are taken', async () => {
    const [ids, letters] = [await fixture.ids(), await fixture.deadLetters()];
    return ids.length + letters.length === 2;
  });
  await isEmpty(QUEUES.a);
});

test('a mapping can use what the MQMD says', async () => {
  await fixture.put(QUEUES.a, [aLog('A')]);
  const named = ['queue', 'msg_id', 'put_time', 'format', 'ccsid', 'backout_count', 'priority', 'persistent'];
  const attributes = Object.fromEntries(named.map((name) => [name, `meta.${name}`]));
  const taken = ['transaction_id', 'step', 'status'].map((name) => [name, name]);
  const mapping = { ...Object.fromEntries(taken), event_time: 'meta.put_time', attributes };
  await fixture.start({ config: { mapping } });
  await logsAre('A');
  const [log] = await fixture.logs();
  expect(log?.attributes).toMatchObject({
    queue: QUEUES.a,
    format: 'MQSTR',
    ccsid: '1208',
    backout_count: '0',
    put_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
    msg_id: expect.stringMatching(/^[0-9a-f]{48}$/) as string,
  });
});

describe('a message that cannot become a log', () => {
  test('is a dead letter, whole, and is committed', async () => {
    await fixture.put(QUEUES.a, ['no JSON', aLog('A'), '{}']);
    await fixture.start();
    await deadLettersAre(2);
    await logsAre('A');
    await isEmpty(QUEUES.a);
    const letters = await fixture.deadLetters();
    const raws = letters.map(({ raw_base64 }) => Buffer.from(raw_base64, 'base64').toString()).sort();
    expect(raws).toEqual(['no JSON', '{}']);
    expect(letters[0]?.meta).toMatchObject({ queue: QUEUES.a, format: 'MQSTR' });
  });

  test('is told of with the reason why the queue manager did not convert it', async () => {
    await fixture.put(QUEUES.a, ['abc'], { ccsid: 65_500 });
    await fixture.start();
    await deadLettersAre(1);
    expect((await fixture.deadLetters())[0]?.reason).toMatch(/CCSID 65500.*left it as it was: reason 21\d\d/);
  });

  test('may be one whose bytes are not the text that they say they are', async () => {
    await fixture.put(QUEUES.a, [Buffer.from('ffff', 'hex')], { ccsid: 949 });
    await fixture.start({ config: { convert: 'collector' } });
    await deadLettersAre(1);
    const [letter] = await fixture.deadLetters();
    expect(letter).toMatchObject({
      stage: 'decode',
      raw_base64: Buffer.from('ffff', 'hex').toString('base64'),
    });
    expect(letter?.reason).toContain('CCSID 949');
  });
});

describe('texts in other character sets', () => {
  const words = '주문 접수';
  const text = aLog('A', { process: words });
  const [before = '', after = ''] = text.split(words);
  // ASCII but for the words.
  const korean = Buffer.concat([
    Buffer.from(before),
    Buffer.from('c1d6b9ae20c1a2bcf6', 'hex'),
    Buffer.from(after),
  ]);
  const encoded: [number, Buffer][] = [
    [949, korean],
    [970, korean],
    [1200, Buffer.from(text, 'utf16le')],
    [1208, Buffer.from(text)],
  ];

  test.each(encoded)('are converted by the collector: CCSID %i', async (ccsid, bytes) => {
    await fixture.put(QUEUES.a, [bytes], { ccsid });
    await fixture.start({ config: { convert: 'collector' } });
    await logsAre('A');
    expect((await fixture.logs())[0]?.process).toBe(words);
  });

  test('that the collector does not know are told of, and converted by the queue manager', async () => {
    // `{"a":1}` in EBCDIC 933.
    const bytes = Buffer.from('c07f817f7af1d0', 'hex');
    await fixture.put(QUEUES.a, [bytes], { ccsid: 933 });
    const running = await fixture.start({ config: { convert: 'collector' } });
    await deadLettersAre(1);
    expect((await fixture.deadLetters())[0]?.reason).toContain('CCSID 933');
    await running.input.stop();
    await fixture.put(QUEUES.a, [bytes], { ccsid: 933 });
    await fixture.start({ config: { convert: 'queue_manager' } });
    await deadLettersAre(2);
    const raws = (await fixture.deadLetters()).map(({ raw_base64 }) =>
      Buffer.from(raw_base64, 'base64').toString(),
    );
    expect(raws.filter((raw) => raw === '{"a":1}')).toHaveLength(1);
  });
});

describe('a message with an RFH2 header', () => {
  const folders = [
    `<usr><colour dt='string'>red &amp; blue</colour></usr>`,
    '<jms><Dst>queue:///X</Dst></jms>',
  ];

  test('is read without it, and its values are in meta', async () => {
    await fixture.put(QUEUES.a, [rfh2(folders, aLog('A'))], { format: 'MQHRF2' });
    const names = ['transaction_id', 'step', 'status', 'event_time'].map((name) => [name, name]);
    const attributes = {
      colour: 'meta.rfh2.usr.colour',
      destination: 'meta.rfh2.jms.Dst',
      format: 'meta.format',
    };
    await fixture.start({ config: { mapping: { ...Object.fromEntries(names), attributes } } });
    await logsAre('A');
    expect((await fixture.logs())[0]?.attributes).toEqual({
      colour: 'red & blue',
      destination: 'queue:///X',
      format: 'MQSTR',
    });
  });

  test('can be a log by its folders alone', async () => {
    await fixture.put(QUEUES.a, [rfh2(['<usr><id>A</id><step>send</step></usr>'], 'the order')], {
      format: 'MQHRF2',
    });
    const mapping = {
      transaction_id: 'usr.id',
      step: 'usr.step',
      status: { constant: 'started' },
      event_time: 'meta.put_time',
      payload: 'body',
    };
    await fixture.start({ config: { fields_from: 'rfh2', mapping } });
    await logsAre('A');
    expect((await fixture.logs())[0]).toMatchObject({ step: 'send', payload: 'the order' });
  });

  test('that is broken is a dead letter', async () => {
    await fixture.put(QUEUES.a, [rfh2(['<usr><id>A</usr>'], 'x')], { format: 'MQHRF2' });
    await fixture.start({ config: { convert: 'collector' } });
    await deadLettersAre(1);
    expect((await fixture.deadLetters())[0]?.reason).toContain('"</usr>" closes nothing');
  });
});

describe('a message that keeps coming back', () => {
  /** Gets and backs out, so many times. */
  async function backOut(queue: string, times: number): Promise<void> {
    for (let time = 0; time < times; time += 1) {
      const running = await fixture.task<GetTask>(getTask(queue, { batchMessagesMax: 1 }));
      await running.next(20_000);
      running.answer({ kind: 'go_on' });
      await running.next(20_000);
      running.answer({ kind: 'back_out' });
      await running.next(20_000);
      await running.end();
    }
  }

  test('goes to the backout queue, under its id, and what is behind it is collected', async () => {
    await fixture.put(QUEUES.poison, [aLog('POISON'), aLog('A')]);
    await backOut(QUEUES.poison, 3);
    const [before] = await fixture.browse(QUEUES.poison);
    await fixture.start({ config: { queues: [QUEUES.poison] } });
    await logsAre('A');
    await isEmpty(QUEUES.poison);
    const aside = await fixture.browse(QUEUES.backout);
    expect(aside.map(({ data }) => Buffer.from(data).toString())).toEqual([aLog('POISON')]);
    expect(aside[0]?.descriptor).toMatchObject({ messageId: before?.descriptor.messageId, format: 'MQSTR' });
    expect(await fixture.deadLetters()).toEqual([]);
  });

  test('is taken as any other below the threshold', async () => {
    await fixture.put(QUEUES.poison, [aLog('A')]);
    await backOut(QUEUES.poison, 2);
    await fixture.start({ config: { queues: [QUEUES.poison] } });
    await logsAre('A');
  });

  test('becomes a dead letter where there is no backout queue', async () => {
    await fixture.put(QUEUES.a, [aLog('POISON'), aLog('A')]);
    await backOut(QUEUES.a, 2);
    await fixture.start({ config: { backout_threshold: 2 } });
    await deadLettersAre(1);
    await logsAre('A');
    await isEmpty(QUEUES.a);
    const [letter] = await fixture.deadLetters();
    expect(letter).toMatchObject({ stage: 'backout', meta: { backout_count: '2' } });
    expect(Buffer.from(letter?.raw_base64 ?? '', 'base64').toString()).toBe(aLog('POISON'));
  });

  test('becomes a dead letter where the backout queue is not to be had', async () => {
    await fixture.put(QUEUES.a, [aLog('POISON'), aLog('A')]);
    await backOut(QUEUES.a, 2);
    await fixture.start({ config: { backout_threshold: 2, backout_queue: 'TRANWEAVE.TEST.NONE' } });
    await deadLettersAre(1);
    await logsAre('A');
    await isEmpty(QUEUES.a);
    expect((await fixture.deadLetters())[0]?.reason).toContain('there is no such queue');
  });
});
