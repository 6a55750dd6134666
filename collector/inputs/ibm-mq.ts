import * as v from 'valibot';
import { byteSize, duration, wholeNumber } from '../../common/config-values.ts';
import { charsetEntries, encodingSchema } from '../charset.ts';
import { decoderSchema } from '../decoders/registry.ts';
import { connectionEntries, connectionMistake } from './ibm-mq/connection.ts';
import { IbmMqInput } from './ibm-mq/run.ts';
import { inputEntries } from './input.ts';
import type { InputComponent } from './input.ts';

const NAME = /^[A-Za-z0-9./_%]{1,48}$/;
const queueName = (description: string) =>
  v.pipe(
    v.string('must be a text'),
    v.regex(NAME, 'must be a name of MQ: 1 to 48 of the letters, digits and . / _ %'),
    v.description(description),
  );

const between = (schema: ReturnType<typeof duration>, min: number, max: number, words: string) =>
  v.pipe(schema, v.minValue(min, words), v.maxValue(max, words));
const HOUR_MS = 3_600_000;

const config = v.pipe(
  v.strictObject({
    type: v.literal('ibm-mq'),
    ...inputEntries,
    ...charsetEntries,
    encoding: v.optional(
      v.pipe(
        encodingSchema,
        v.description(
          'How the decoder sees text. Messages of format MQSTR are converted to it, whatever their CCSID is; all others must be written in it. Fields of a fixed length are cut by its bytes, so for Korean records of fixed length it is `cp949`.',
        ),
      ),
      'utf-8',
    ),
    decoder: v.optional(decoderSchema, { type: 'json' }),
    ...connectionEntries,
    queues: v.pipe(
      v.array(queueName('Name of a queue.'), 'must be a list of names of queues'),
      v.minLength(1, 'must name at least one queue'),
      v.check((names) => new Set(names).size === names.length, 'names a queue twice'),
      v.description('Queues whose messages are collected, local ones or aliases.'),
    ),
    getters: v.optional(
      wholeNumber(
        1,
        16,
        'Connections for each queue, which get side by side. Each is a process of its own. With more than one, messages arrive out of order.',
      ),
      1,
    ),
    exclusive: v.optional(
      v.pipe(
        v.boolean('must be true or false'),
        v.description(
          'Whether nobody else may get from the queues meanwhile; then a second collector waits, and `getters` must be 1.',
        ),
      ),
      false,
    ),
    convert: v.optional(
      v.pipe(
        v.picklist(['queue_manager', 'collector'], 'must be queue_manager or collector'),
        v.description(
          'Who turns texts (format MQSTR) into UTF-8. `queue_manager` (MQGMO_CONVERT) knows every CCSID, EBCDIC among them, and what it leaves as it was the collector converts; it puts substitutes for characters that it cannot convert. `collector` knows UTF-8, UTF-16, 949, 970 and other common ones, and makes a dead letter of a text that is not what it says.',
        ),
      ),
      'queue_manager',
    ),
    fields_from: v.optional(
      v.pipe(
        v.picklist(['body', 'rfh2'], 'must be body or rfh2'),
        v.description(
          'Where fields come from. `body`: the `decoder` reads the message; RFH2 values are in `meta.rfh2.usr.NAME` for the mapping. `rfh2`: the folders of its RFH2 header are the fields (`usr.NAME`), and `body` is its text.',
        ),
      ),
      'body',
    ),
    wait: v.optional(
      between(
        duration(
          'How long one MQGET waits for a message. Stopping takes so long at most; the connection is tried so often. 100ms to 30s.',
        ),
        100,
        30_000,
        'must be 100ms to 30s',
      ),
      '1s',
    ),
    batch_messages_max: v.optional(
      wholeNumber(1, 10_000, 'Messages in one unit of work. At most MAXUMSGS of the queue manager.'),
      200,
    ),
    batch_bytes_max: v.optional(
      byteSize('Bytes after which a unit of work takes no further message.'),
      '1MiB',
    ),
    batch_wait: v.optional(
      between(
        duration('How long after its first message a unit of work takes more. Up to 10s.'),
        0,
        10_000,
        'must be at most 10s',
      ),
      '50ms',
    ),
    buffer_bytes: v.optional(
      v.pipe(
        byteSize(
          'Size of the buffer for a message to begin with. It grows for a larger one, up to the 100MiB that MQ allows.',
        ),
        v.minValue(1, 'must be more than 0'),
        v.maxValue(100 * 1024 * 1024, 'must be at most 100MiB'),
      ),
      '64KiB',
    ),
    backout_threshold: v.exactOptional(
      wholeNumber(
        1,
        1_000_000,
        "How often a message may come back before it is set aside. The queue's BOTHRESH if not given, 10 if that is 0. A lost connection counts as once.",
      ),
    ),
    backout_queue: v.exactOptional(
      queueName(
        "Where such a message is put. The queue's BOQNAME if not given; without one it becomes a dead letter.",
      ),
    ),
    reconnect_delay_max: v.optional(
      between(
        duration('Longest pause between attempts to connect again. Up to 1h.'),
        1,
        HOUR_MS,
        'must be at most 1h',
      ),
      '30s',
    ),
    refused_delay: v.optional(
      between(
        duration('Pause after a refusal that somebody has to mend: not authorized, no such queue. Up to 1h.'),
        1,
        HOUR_MS,
        'must be at most 1h',
      ),
      '1m',
    ),
    quiet_max: v.optional(
      between(
        duration(
          'A connection of which nothing is heard for so long, beyond `wait`, is given up and made anew. Up to 1h.',
        ),
        100,
        HOUR_MS,
        'must be 100ms to 1h',
      ),
      '30s',
    ),
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const mistake = connectionMistake(dataset.value);
    if (mistake !== undefined) addIssue({ message: mistake });
    if (dataset.value.exclusive && dataset.value.getters > 1)
      addIssue({
        message: 'has `exclusive` with more than one of `getters`, which would shut each other out',
      });
  }),
);
export type IbmMqInputConfig = v.InferOutput<typeof config>;

/**
 * Logs from IBM MQ. Messages are got under syncpoint, appended, and only then committed: a collector, a connection or a Redis that
 * dies in between makes messages come again, under the same ids.
 */
export const ibmMqInput = {
  type: 'ibm-mq',
  summary:
    "Gets messages from queues of IBM MQ, under syncpoint: a message is committed when Redis has its log, and comes again, with the same event id, when anything dies before. Needs the package `ibmmq` and IBM's client library; [ibm-mq.md](ibm-mq.md) says how they are installed, what is to be defined in MQ and why the options are as they are.",
  example:
    '- { type: ibm-mq, name: hub, connection: "mq1(1414),mq2(1414)", channel: TRANWEAVE.SVRCONN, queue_manager: QM1, queues: [TRACKING.LOG] }',
  config,
  create: (config, deps) => new IbmMqInput(config, deps),
} satisfies InputComponent<IbmMqInputConfig>;
