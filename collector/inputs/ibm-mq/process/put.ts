import type { PutTask } from '../protocol.ts';
import type { Ask } from './get.ts';
import type { MqLibrary } from './library.ts';
import { callVerb, connect, openQueue } from './session.ts';

/** Well below MAXUMSGS, whose default is 10,000. */
const UNCOMMITTED_MAX = 1000;

/** Puts what it is handed, one message an answer, in units of work of many. */
export async function putMessages(mq: MqLibrary, task: PutTask, ask: Ask): Promise<void> {
  const { MQC } = mq;
  const connection = connect(mq, task.connection);
  const queue = openQueue(mq, connection, task.queue, MQC.MQOO_OUTPUT);
  let uncommitted = 0;
  const commit = () => callVerb((callback) => mq.Cmit(connection, callback));
  let answer = await ask({ kind: 'connected', facts: {} });
  while (answer.kind === 'put') {
    const data = Buffer.from(answer.data);
    const descriptor = new mq.MQMD();
    descriptor.Format = task.format;
    descriptor.CodedCharSetId = task.ccsid;
    const options = new mq.MQPMO();
    options.Options = MQC.MQPMO_SYNCPOINT | MQC.MQPMO_NEW_MSG_ID | MQC.MQPMO_FAIL_IF_QUIESCING;
    callVerb((callback) => mq.PutSync(queue, descriptor, options, data, callback));
    uncommitted += 1;
    if (uncommitted >= UNCOMMITTED_MAX) {
      commit();
      uncommitted = 0;
    }
    answer = await ask({ kind: 'settled' });
  }
  commit();
  callVerb((callback) => mq.DiscSync(connection, callback));
}
