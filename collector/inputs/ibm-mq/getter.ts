import { describeError, RetriableError } from '../../../common/errors.ts';
import type { HealthPart } from '../../../common/health.ts';
import { backoffMs } from '../../../common/retry.ts';
import type { Outcome } from '../../outcome.ts';
import type { InputDeps } from '../input.ts';
import type { PatientAppender } from './append.ts';
import { deadLettersFor, planBatch } from './batch.ts';
import type { BackoutSettings } from './batch.ts';
import { startTask } from './mq-process.ts';
import type { MqProcess, MqProcessOptions } from './mq-process.ts';
import type { GetTask, Message, QueueFacts, Report } from './protocol.ts';
import { describeReason, patienceFor } from './reasons.ts';
import type { Patience } from './reasons.ts';
import type { RecordDeps } from './records.ts';

export interface GetterDeps {
  input: InputDeps;
  task: GetTask;
  process: MqProcessOptions;
  records: RecordDeps;
  patient: PatientAppender;
  backout: BackoutSettings;
  /** Longest pause between attempts to connect. */
  reconnectMsMax: number;
  /** Pause after a refusal that somebody has to mend. */
  refusedMs: number;
  /** How long the process may say nothing, beyond what it was told to wait for a message. */
  quietMsMax: number;
  part: HealthPart;
  /** Aborts when the input stops. */
  stopping: AbortSignal;
}

/** A verb failed: the connection is given up. */
class MqOutage extends RetriableError {
  override readonly name = 'MqOutage';
  readonly patience: Patience;

  constructor(verb: string, reason: number) {
    super(describeReason(verb, reason));
    this.patience = patienceFor(reason);
  }
}

const RECONNECT_MS_MIN = 500;
/** A list of addresses is tried one after the other, each as long as the system lets it. */
const CONNECT_MS_MAX = 120_000;

/**
 * One connection that gets one queue's messages, in a process of its own:
 *
 *   starting ──connected──▶ getting ──batch──▶ appending ──commit──▶ getting …
 *   any of them ──a verb failed, the process died or fell silent──▶ away ──a pause──▶ starting
 *
 * Whatever was got and not committed is back in the queue once the process is gone.
 */
export class Getter {
  readonly #deps: GetterDeps;
  #running: MqProcess | undefined;
  #facts: QueueFacts = {};
  #failures = 0;
  #outage: string | undefined = 'not connected yet';

  constructor(deps: GetterDeps) {
    this.#deps = deps;
  }

  /** Until the input stops. Throws only what waiting does not mend. */
  async run(): Promise<void> {
    const { stopping, part, input } = this.#deps;
    while (!stopping.aborted) {
      part.begin();
      try {
        await this.#connection();
      } catch (error) {
        if (!(error instanceof RetriableError)) throw error;
        if (stopping.aborted) break;
        // A pause that has a word for it is no stall.
        part.idle();
        await input.clock.sleep(this.#pauseAfter(error), stopping);
      }
    }
    part.remove();
  }

  /** Ends the process at once: the queue manager backs out what is under way. */
  async kill(): Promise<void> {
    await this.#running?.end();
  }

  trouble(): string | undefined {
    return this.#outage === undefined ? undefined : `${this.#deps.task.queue}: ${this.#outage}`;
  }

  async #connection(): Promise<void> {
    const { task, process, quietMsMax, part } = this.#deps;
    const running = await startTask(process, task);
    this.#running = running;
    try {
      let report = await running.next(CONNECT_MS_MAX);
      while (report.kind !== 'done') {
        part.progress();
        await this.#take(running, report);
        report = await running.next(task.waitMs + task.batchMs + quietMsMax);
      }
    } finally {
      this.#running = undefined;
      await running.end();
    }
  }

  async #take(running: MqProcess, report: Report): Promise<void> {
    switch (report.kind) {
      case 'failed':
        throw new MqOutage(report.verb, report.reason);
      case 'connected':
        this.#facts = report.facts;
        this.#goOn(running);
        return;
      case 'idle':
        this.#works();
        this.#goOn(running);
        return;
      case 'batch':
        this.#works();
        await this.#collect(running, report.messages);
        this.#goOn(running);
        return;
      default:
        throw new TypeError(`a getter's process reported ${report.kind}`);
    }
  }

  /** Appends, then commits. On any failure the batch goes back to the queue. */
  async #collect(running: MqProcess, messages: readonly Message[]): Promise<void> {
    const { records, task, backout, input } = this.#deps;
    const plan = planBatch(records, task.queue, messages, backout, this.#facts);
    await this.#append(running, plan.outcomes);
    running.answer({ kind: 'commit', setAside: plan.setAside, backoutQueue: plan.backoutQueue });
    let report = await this.#settled(running);
    if (report.kind === 'not_set_aside') {
      await this.#append(running, deadLettersFor(records, task.queue, messages, report.failures));
      running.answer({ kind: 'commit', setAside: [], backoutQueue: '' });
      report = await this.#settled(running);
    }
    const bytes = messages.reduce((sum, { data }) => sum + data.length, 0);
    input.metrics.bytes.inc({ input: input.name }, bytes);
    if (plan.setAside.length > 0) {
      input.logger.warn({ messages: plan.setAside.length }, 'messages that kept coming back were set aside');
    }
  }

  async #append(running: MqProcess, outcomes: readonly Outcome[]): Promise<void> {
    const { patient, part, input } = this.#deps;
    try {
      await patient.append(outcomes, () => part.progress());
    } catch (error) {
      running.answer({ kind: 'back_out' });
      await this.#settled(running);
      running.answer({ kind: 'stop' });
      throw error;
    }
    const kinds = { log: 0, row: 0, dead_letter: 0, skip: 0 };
    for (const { kind } of outcomes) kinds[kind] += 1;
    input.metrics.logs.inc({ input: input.name }, kinds.log + kinds.row);
    input.metrics.deadLetters.inc({ input: input.name }, kinds.dead_letter);
    input.metrics.skipped.inc({ input: input.name }, kinds.skip);
  }

  /** What became of a verdict. */
  async #settled(running: MqProcess): Promise<Report> {
    const report = await running.next(this.#deps.quietMsMax);
    if (report.kind === 'failed') throw new MqOutage(report.verb, report.reason);
    return report;
  }

  #goOn(running: MqProcess): void {
    running.answer({ kind: this.#deps.stopping.aborted ? 'stop' : 'go_on' });
  }

  #works(): void {
    if (this.#failures > 0) {
      this.#deps.input.logger.info('messages are got again');
    }
    this.#failures = 0;
    this.#outage = undefined;
  }

  #pauseAfter(error: RetriableError): number {
    const { reconnectMsMax, refusedMs, input } = this.#deps;
    this.#failures += 1;
    const reason = describeError(error);
    // One line for each kind of failure, not one for each attempt.
    if (reason !== this.#outage) input.logger.warn({ error: reason }, 'messages cannot be got; trying again');
    this.#outage = reason;
    if (error instanceof MqOutage && error.patience === 'later') return refusedMs;
    const policy = { delayMsMin: Math.min(RECONNECT_MS_MIN, reconnectMsMax), delayMsMax: reconnectMsMax };
    return backoffMs(this.#failures, policy, Math.random());
  }
}
