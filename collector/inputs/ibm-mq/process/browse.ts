import type { BrowseTask } from '../protocol.ts';
import type { Ask } from './get.ts';
import type { MqLibrary, QueueHandle } from './library.ts';
import { callVerb, connect, failureOf, messageOf, MqFailure, openQueue } from './session.ts';

const NO_MESSAGE = 2033;
/** What a person wants to see of a message; the rest of a longer one is left out. */
const SHOWN_BYTES_MAX = 64 * 1024;

/** Shows the first messages of a queue and leaves them there. */
export async function browseMessages(mq: MqLibrary, task: BrowseTask, ask: Ask): Promise<void> {
  const connection = connect(mq, task.connection);
  const queue = openQueue(mq, connection, task.queue, mq.MQC.MQOO_BROWSE);
  const buffer = Buffer.allocUnsafeSlow(SHOWN_BYTES_MAX);
  for (let shown = 0; shown < task.messagesMax; shown += 1) {
    const message = browse(mq, queue, buffer, { first: shown === 0, convert: task.convert });
    if (message === undefined) break;
    const answer = await ask({ kind: 'batch', messages: [message] });
    if (answer.kind === 'stop') break;
  }
  callVerb((callback) => mq.DiscSync(connection, callback));
}

function browse(
  mq: MqLibrary,
  queue: QueueHandle,
  buffer: Buffer,
  { first, convert }: { first: boolean; convert: boolean },
) {
  const { MQC } = mq;
  const descriptor = new mq.MQMD();
  descriptor.CodedCharSetId = 1208;
  const options = new mq.MQGMO();
  options.Options =
    (first ? MQC.MQGMO_BROWSE_FIRST : MQC.MQGMO_BROWSE_NEXT) |
    // A look at the beginning takes nothing away.
    MQC.MQGMO_ACCEPT_TRUNCATED_MSG |
    MQC.MQGMO_FAIL_IF_QUIESCING |
    MQC.MQGMO_PROPERTIES_FORCE_MQRFH2 |
    (convert ? MQC.MQGMO_CONVERT : 0);
  options.MatchOptions = MQC.MQMO_NONE;
  let answer: { reason: number; length: number } | undefined;
  mq.GetSync(queue, descriptor, options, buffer, (error: unknown, length: number) => {
    answer = { reason: error ? warningOf(error) : 0, length };
  });
  if (answer === undefined || answer.reason === NO_MESSAGE) return undefined;
  const data = Buffer.from(buffer.subarray(0, Math.min(answer.length, buffer.length)));
  return messageOf(mq, { descriptor, data });
}

/** A message came all the same, or there is none. Throws for everything else. */
function warningOf(error: unknown): number {
  const failure = failureOf(error);
  const { reason } = failure instanceof MqFailure ? failure : { reason: -1 };
  if (reason === NO_MESSAGE || reason === 2079 || (reason >= 2110 && reason <= 2120)) return reason;
  throw failure;
}
