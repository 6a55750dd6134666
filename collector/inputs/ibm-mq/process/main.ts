import type { Answer, Report, Task } from '../protocol.ts';
import { browseMessages } from './browse.ts';
import { getMessages } from './get.ts';
import type { Ask } from './get.ts';
import { LibraryMissing, loadLibrary } from './library.ts';
import type { MqLibrary } from './library.ts';
import { putMessages } from './put.ts';
import { MqFailure } from './session.ts';

/**
 * An MQ process: loads the client library, does its one task, and ends. It lives no longer than its collector: the closed
 * channel ends it, and the queue manager then backs out what was not committed.
 */

const ask: Ask = (report) =>
  new Promise((resolve) => {
    process.once('message', (answer) => resolve(answer as Answer));
    tell(report);
  });

function tell(report: Report, sent: () => void = () => undefined): void {
  process.send?.(report, undefined, undefined, sent);
}

const TASKS = { get: getMessages, put: putMessages, browse: browseMessages };

async function run(): Promise<Report> {
  try {
    const mq = await loadLibrary();
    const answer = await ask({ kind: 'loaded' });
    if (answer.kind === 'task') await perform(mq, answer.task);
    return { kind: 'done' };
  } catch (error) {
    if (error instanceof LibraryMissing) return { kind: 'missing', what: error.what, detail: error.message };
    if (error instanceof MqFailure) return { kind: 'failed', verb: error.verb, reason: error.reason };
    throw error;
  }
}

/** The cast holds since a task's kind says which it is. */
function perform(mq: MqLibrary, task: Task): Promise<void> {
  const work = TASKS[task.kind] as (mq: MqLibrary, task: Task, ask: Ask) => Promise<void>;
  return work(mq, task, ask);
}

/** Not by an exit, in which a client library might yet do something about a unit of work that is under way. */
const die = () => process.kill(process.pid, 'SIGKILL');
process.once('disconnect', die);
// Signals to the whole group are the collector's business: it stops us once nothing is under way.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
const last = await run();
tell(last, last.kind === 'done' ? () => process.exit(0) : die);
