import type { Clock } from '../../../common/clock.ts';
import { timestampFromMillis } from '../../../common/timestamp.ts';
import { META_OF_RECORD } from '../../outcome.ts';
import type { Outcome, RecordPipeline } from '../../outcome.ts';
import type { Charset } from '../../charset.ts';
import { convert } from './ccsid.ts';
import type { Message, MessageDescriptor } from './protocol.ts';
import { leavesOf, RFH2_FORMAT, unwrapRfh2 } from './rfh2.ts';
import type { Folder } from './rfh2.ts';

/** What an ibm-mq input makes of a message: text in the input's encoding for the decoder, the MQMD and RFH2 folders as meta, and an id that stays. */

export interface RecordDeps {
  /** Of the input. */
  name: string;
  /** Whether a record's fields are the body's, by the decoder, or the folders'. */
  fieldsFrom: 'body' | 'rfh2';
  /** How the pipeline's decoder sees text. */
  charset: Charset;
  pipeline: RecordPipeline;
  clock: Clock;
}

/** Format of texts; every other one is raw bytes, which are taken as they are. */
const STRING_FORMAT = 'MQSTR';
const NO_ID = /^0*$/;

/** Never throws because of a message. */
export function outcomesOf(deps: RecordDeps, queue: string, message: Message): Outcome[] {
  const { charset } = deps;
  const { descriptor } = message;
  const data = Buffer.from(message.data.buffer, message.data.byteOffset, message.data.byteLength);
  const event_id = eventIdOf(queue, descriptor);
  const meta = metaOf(queue, descriptor);
  const refuse = (error: string) => [deadLetterOf(deps, queue, message, 'decode', `the message ${error}`)];
  let { format, ccsid, encoding } = descriptor;
  let body = data;
  let folders: Folder = {};
  if (format === RFH2_FORMAT) {
    const unwrapped = unwrapRfh2(data, encoding, ccsid);
    if ('error' in unwrapped) return refuse(unwrapped.error);
    ({ format, ccsid, encoding, body, folders } = unwrapped);
    Object.assign(meta, { format, ccsid: String(ccsid) });
    for (const [path, value] of leavesOf(folders, META_OF_RECORD)) meta[path] = value;
  }
  if (format === STRING_FORMAT) {
    const converted = convert(body, ccsid, encoding, charset);
    if ('error' in converted) return refuse(`${converted.error}${whyUnconverted(message)}`);
    body = converted.bytes;
  }
  if (deps.fieldsFrom === 'body') return deps.pipeline.fromBytes({ event_id, meta, bytes: body });
  const fields = { ...folders, body: charset.show(body) };
  return deps.pipeline.fromFields(fields, { event_id, meta }, () => Buffer.from(JSON.stringify(fields)));
}

function whyUnconverted({ unconverted }: Message): string {
  return unconverted === undefined ? '' : ` (the queue manager left it as it was: reason ${unconverted})`;
}

/** A message that is not looked into, or that could not be: kept whole, as it came, but for what is masked. */
export function deadLetterOf(
  { name, pipeline, clock }: RecordDeps,
  queue: string,
  { descriptor, data }: Message,
  stage: 'decode' | 'backout',
  reason: string,
): Outcome {
  return {
    kind: 'dead_letter',
    dead_letter: pipeline.maskLetter({
      event_id: eventIdOf(queue, descriptor),
      stage,
      input: name,
      channel: 'ibm-mq',
      reason,
      ingest_time: timestampFromMillis(clock.now()),
      raw_base64: Buffer.from(data).toString('base64'),
      meta: metaOf(queue, descriptor),
    }),
    issues: [],
  };
}

/**
 * Of the queue, the MsgId, and the time of the put: the same when a message comes again. The time is there for programs that set the MsgId
 * themselves and give it to several messages.
 */
function eventIdOf(queue: string, { messageId, putDate, putTime }: MessageDescriptor): string {
  return `mq:${queue}:${messageId}:${putDate}${putTime}`;
}

function metaOf(queue: string, descriptor: MessageDescriptor): Record<string, string> {
  const { correlationId, replyToQueue, replyToQueueManager, user, program } = descriptor;
  return {
    queue,
    msg_id: descriptor.messageId,
    ...(NO_ID.test(correlationId) ? {} : { correl_id: correlationId }),
    ...given({ put_time: putTimeOf(descriptor), format: descriptor.format }),
    ccsid: String(descriptor.ccsid),
    priority: String(descriptor.priority),
    persistent: String(descriptor.persistent),
    backout_count: String(descriptor.backoutCount),
    ...given({
      reply_to_queue: replyToQueue,
      reply_to_queue_manager: replyToQueueManager,
      user,
      program,
    }),
  };
}

function given(texts: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ''));
}

/** `2026-01-31T09:15:00.120Z`; empty if the MQMD has none. */
function putTimeOf({ putDate, putTime }: MessageDescriptor): string {
  const parts = /^(\d{4})(\d{2})(\d{2}) (\d{2})(\d{2})(\d{2})(\d{2})$/.exec(`${putDate} ${putTime}`);
  if (parts === null) return '';
  const [, year, month, day, hour, minute, second, hundredths] = parts;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}.${hundredths}0Z`;
}
