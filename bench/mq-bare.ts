import { loadLibrary } from '../collector/inputs/ibm-mq/process/library.ts';
import { callVerb, connect, openQueue } from '../collector/inputs/ibm-mq/process/session.ts';

/**
 * The bare loop that the part `mq` measures against: MQGET under syncpoint and MQCMIT after so many, through the same library, and nothing done
 * with the messages. Arguments: connection name, queue, messages in a unit of work. It says `ready`, and is ended by whoever started it.
 */

const WAIT_MS = 1000;
const BUFFER_BYTES = 64 * 1024;

const [connectionName = '', queueName = '', batch = ''] = process.argv.slice(2);
const batchMessages = Number(batch);
const mq = await loadLibrary();
const { MQC } = mq;
const connection = connect(mq, {
  queueManager: '',
  connectionName,
  channel: 'BENCH',
  program: 'bare loop',
  heartbeatS: 10,
});
const queue = openQueue(mq, connection, queueName, MQC.MQOO_INPUT_SHARED);
const buffer = Buffer.alloc(BUFFER_BYTES);
let uncommitted = 0;
process.once('disconnect', () => process.exit(0));
process.send?.('ready');
get();

function get(): void {
  const descriptor = new mq.MQMD();
  const options = new mq.MQGMO();
  options.Options =
    MQC.MQGMO_SYNCPOINT | MQC.MQGMO_CONVERT | (uncommitted === 0 ? MQC.MQGMO_WAIT : MQC.MQGMO_NO_WAIT);
  options.WaitInterval = WAIT_MS;
  options.MatchOptions = MQC.MQMO_NONE;
  let got = false;
  mq.GetSync(queue, descriptor, options, buffer, (error) => {
    got = !error;
  });
  if (got) uncommitted += 1;
  if (uncommitted >= batchMessages || (!got && uncommitted > 0)) {
    callVerb((callback) => mq.Cmit(connection, callback));
    uncommitted = 0;
    // Lets the channel to whoever started us be heard.
    setImmediate(get);
    return;
  }
  if (got) process.nextTick(get);
  else setImmediate(get);
}
