import { readFileSync } from 'node:fs';
import { FatalError } from '../../../common/errors.ts';
import { createCharset } from '../../charset.ts';
import { createPatientAppender } from './append.ts';
import type { PatientAppender } from './append.ts';
import { connectionOf } from './connection.ts';
import { Getter } from './getter.ts';
import { LOAD_MS_MAX, MqLibraryMissingError, MqProcessError, startMqProcess } from './mq-process.ts';
import type { MqProcessOptions } from './mq-process.ts';
import type { GetTask } from './protocol.ts';
import type { IbmMqInputConfig } from '../ibm-mq.ts';
import type { Input, InputDeps } from '../input.ts';

/** A getter reports at least once a `wait` and a batch; connecting takes longer, and an append waits with progress of its own. */
const STALL_MS = 180_000;

/** The input at work: one getter for each queue and as many more as the config says, until it is stopped. */
export class IbmMqInput implements Input {
  readonly #config: IbmMqInputConfig;
  readonly #deps: InputDeps;
  readonly #process: MqProcessOptions;
  readonly #stopping = new AbortController();
  readonly #patient: PatientAppender;
  #getters: Getter[] = [];
  #running: Promise<void> = Promise.resolve();
  #started = false;
  #stopped: Promise<void> | undefined;

  /** @param processFile the compiled process/main.js; for tests. */
  constructor(config: IbmMqInputConfig, deps: InputDeps, processFile?: string) {
    this.#config = config;
    this.#deps = deps;
    this.#process = {
      libraryDir: config.client_library_dir,
      ...(processFile === undefined ? {} : { file: processFile }),
    };
    this.#patient = createPatientAppender({ ...deps, stopping: this.#stopping.signal });
  }

  async start(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    await checkLibrary(this.#process);
    const connection = connectionOf(this.#config, (file) => readFileSync(file, 'utf8'));
    this.#getters = this.#config.queues.flatMap((queue) =>
      Array.from({ length: this.#config.getters }, (_, index) =>
        this.#createGetter(taskOf(this.#config, connection, queue), index),
      ),
    );
    this.#started = true;
    this.#running = Promise.all(this.#getters.map((getter) => getter.run()))
      .then(() => undefined)
      .catch((error: unknown) => this.#deps.fail(error));
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  trouble(): string | undefined {
    const { name } = this.#deps;
    if (this.#stopping.signal.aborted) return `input ${name} is stopping`;
    if (!this.#started) return `input ${name} has not started yet`;
    const reason = this.#patient.trouble() ?? this.#getters.map((getter) => getter.trouble()).find(Boolean);
    return reason === undefined ? undefined : `input ${name}: ${reason}`;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    const kill = () => void Promise.all(this.#getters.map((getter) => getter.kill()));
    // A process that hangs in a call cannot hear of the end.
    this.#deps.force.addEventListener('abort', kill, { once: true });
    if (this.#deps.force.aborted) kill();
    await this.#running;
    this.#deps.force.removeEventListener('abort', kill);
  }

  #createGetter(task: GetTask, index: number): Getter {
    const config = this.#config;
    const { name, health, pipeline, clock, logger } = this.#deps;
    const charset = createCharset(config.encoding, config.on_bad_bytes);
    return new Getter({
      input: { ...this.#deps, logger: logger.child({ queue: task.queue, getter: index + 1 }) },
      task,
      process: this.#process,
      records: { name, fieldsFrom: config.fields_from, charset, pipeline, clock },
      patient: this.#patient,
      backout: { threshold: config.backout_threshold, queue: config.backout_queue },
      reconnectMsMax: config.reconnect_delay_max,
      refusedMs: config.refused_delay,
      quietMsMax: config.quiet_max,
      part: health.part(`input ${name} ${task.queue} ${index + 1}`, STALL_MS),
      stopping: this.#stopping.signal,
    });
  }
}

function taskOf(config: IbmMqInputConfig, connection: GetTask['connection'], queue: string): GetTask {
  return {
    kind: 'get',
    connection,
    queue,
    exclusive: config.exclusive,
    convert: config.convert === 'queue_manager',
    waitMs: config.wait,
    batchMessagesMax: config.batch_messages_max,
    batchBytesMax: config.batch_bytes_max,
    batchMs: config.batch_wait,
    bufferBytes: config.buffer_bytes,
  };
}

/** Without the client library nothing could ever be got: told at once, not at the first message. */
async function checkLibrary(options: MqProcessOptions): Promise<void> {
  const probe = startMqProcess(options);
  try {
    const report = await probe.next(LOAD_MS_MAX);
    if (report.kind !== 'missing') return;
    const { message } = new MqLibraryMissingError(report.what, report.detail, options.libraryDir);
    throw new FatalError(message);
  } catch (error) {
    if (error instanceof MqProcessError) throw new FatalError('MQ calls cannot be made', { cause: error });
    throw error;
  } finally {
    await probe.end();
  }
}
