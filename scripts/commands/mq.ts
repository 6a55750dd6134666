import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { readText } from '../../collector/inputs/ibm-mq/ccsid.ts';
import { connectionOf } from '../../collector/inputs/ibm-mq/connection.ts';
import { MqLibraryMissingError, startTask } from '../../collector/inputs/ibm-mq/mq-process.ts';
import type { MqProcess } from '../../collector/inputs/ibm-mq/mq-process.ts';
import type { BrowseTask, Message, PutTask, Report } from '../../collector/inputs/ibm-mq/protocol.ts';
import { describeReason } from '../../collector/inputs/ibm-mq/reasons.ts';
import { RFH2_FORMAT, unwrapRfh2 } from '../../collector/inputs/ibm-mq/rfh2.ts';
import type { IbmMqInputConfig } from '../../collector/inputs/ibm-mq.ts';
import { FatalError } from '../../common/errors.ts';
import { oneLine } from '../table.ts';
import { loadTranweaveConfig } from '../tranweave-config.ts';

/** Queues by hand: puts what is on the standard input, and shows what waits, as an input of the config connects. */

export interface QueueOptions {
  config: string;
  /** Name of the input whose connection is used; the first of type ibm-mq if not given. */
  input?: string;
  queue: string;
}

export interface PutQueueOptions extends QueueOptions {
  format: string;
  ccsid: number;
  /** The whole input is one message. */
  whole?: true;
}

export interface BrowseQueueOptions extends QueueOptions {
  limit: number;
  json?: true;
}

/** A list of addresses is tried one after the other. */
const CONNECT_MS_MAX = 120_000;
const ANSWER_MS_MAX = 30_000;

/** One message for each line that is not empty. Throws a FatalError that says which had been put when it fails. */
export async function put(options: PutQueueOptions): Promise<void> {
  const { queue, format, ccsid } = options;
  const task = { kind: 'put', queue, format, ccsid } as const;
  const messages = options.whole ? wholeInput() : linesOfInput();
  const count = await withTask<PutTask, number>(options, task, (running) => putAll(running, messages));
  process.stdout.write(`${count} ${count === 1 ? 'message' : 'messages'} put to ${queue}\n`);
}

async function putAll(running: MqProcess, messages: AsyncIterable<Buffer>): Promise<number> {
  let count = 0;
  for await (const data of messages) {
    running.answer({ kind: 'put', data });
    await next(running, ANSWER_MS_MAX);
    count += 1;
  }
  running.answer({ kind: 'stop' });
  await next(running, ANSWER_MS_MAX);
  return count;
}

async function* linesOfInput(): AsyncIterable<Buffer> {
  // Bytes, since the text may be in any character set of the kind that keeps ASCII.
  const lines = createInterface({ input: process.stdin.setEncoding('latin1'), crlfDelay: Infinity });
  for await (const line of lines) if (line !== '') yield Buffer.from(line, 'latin1');
}

async function* wholeInput(): AsyncIterable<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  yield Buffer.concat(parts);
}

/** Messages in the order in which they would be got; they stay where they are. */
export async function browse(options: BrowseQueueOptions): Promise<void> {
  const task = { kind: 'browse', queue: options.queue, messagesMax: options.limit, convert: true } as const;
  const shown = await withTask<BrowseTask, number>(options, task, (running, first) =>
    showAll(running, first, options),
  );
  if (shown === 0 && !options.json) process.stdout.write(`${options.queue} is empty\n`);
}

async function showAll(running: MqProcess, first: Report, { json }: BrowseQueueOptions): Promise<number> {
  let shown = 0;
  for (let report = first; report.kind === 'batch'; report = await next(running, ANSWER_MS_MAX)) {
    for (const message of report.messages) {
      process.stdout.write(`${json ? JSON.stringify(asJson(message)) : inWords(message)}\n`);
      shown += 1;
    }
    running.answer({ kind: 'go_on' });
  }
  return shown;
}

function asJson(message: Message): Record<string, unknown> {
  return { ...message.descriptor, data: textOf(message) ?? null, bytes: message.data.length };
}

function inWords(message: Message): string {
  const { messageId, putDate, putTime, format, ccsid, backoutCount } = message.descriptor;
  const what = [messageId, `${putDate} ${putTime}`, format === '' ? 'no format' : format, `CCSID ${ccsid}`];
  if (backoutCount > 0) what.push(`came back ${backoutCount} times`);
  const text = textOf(message);
  const body = text === undefined ? `${message.data.length} bytes that are no text` : oneLine(text);
  return `${oneLine(what.join('  '))}\n  ${body}`;
}

/** What is behind its RFH2 header, if it has one; undefined if it is no text. */
function textOf({ descriptor, data }: Message): string | undefined {
  let { ccsid, encoding } = descriptor;
  let body: Buffer = Buffer.from(data);
  if (descriptor.format === RFH2_FORMAT) {
    const unwrapped = unwrapRfh2(body, encoding, ccsid);
    if ('error' in unwrapped) return undefined;
    ({ ccsid, encoding, body } = unwrapped);
  }
  const read = readText(body, ccsid, encoding);
  return 'error' in read ? undefined : read.text;
}

/** Does the work in a process that has its connection, and ends it. @param work is given what was reported once it was connected. */
async function withTask<T extends PutTask | BrowseTask, Result>(
  options: QueueOptions,
  task: Omit<T, 'connection'>,
  work: (running: MqProcess, first: Report) => Promise<Result>,
): Promise<Result> {
  const config = inputOf(options);
  const connection = connectionOf(config, (file) => readFileSync(file, 'utf8'));
  const running = await startTask({ libraryDir: config.client_library_dir }, {
    ...task,
    connection,
  } as T).catch((error: unknown) => {
    if (error instanceof MqLibraryMissingError) throw new FatalError(error.message);
    throw error;
  });
  try {
    return await work(running, await next(running, CONNECT_MS_MAX));
  } finally {
    await running.end();
  }
}

async function next(running: MqProcess, msMax: number): Promise<Report> {
  const report = await running.next(msMax);
  if (report.kind === 'failed') throw new FatalError(describeReason(report.verb, report.reason));
  return report;
}

function inputOf({ config: file, input }: QueueOptions): IbmMqInputConfig {
  const inputs = loadTranweaveConfig(file).inputs.filter((one) => one.type === 'ibm-mq');
  const found = input === undefined ? inputs[0] : inputs.find(({ name }) => name === input);
  if (found !== undefined) return found;
  throw new FatalError(
    input === undefined
      ? `${file} has no input of type ibm-mq, which would say how the queue manager is reached`
      : `${file} has no input of type ibm-mq and name ${input}`,
  );
}
