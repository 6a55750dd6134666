import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { createCharset } from '../../charset.ts';
import type { Charset } from '../../charset.ts';
import { createFraming } from '../../framing/registry.ts';
import type { WatchedAppender } from './append.ts';
import { runRecords } from './batch.ts';
import type { Batch } from './batch.ts';
import { parseContentEncoding, readBody } from './body.ts';
import { claimKey, parseIdempotencyKey } from './idempotency.ts';
import { createByteBudget } from './limits.ts';
import type { Gate } from './limits.ts';
import { cutFramed } from './framed.ts';
import { cutRecords, parseContentType, textIn } from './records.ts';
import { RETRY_META } from '../../pipeline.ts';
import type { HttpInputConfig } from '../http.ts';
import type { InputDeps } from '../input.ts';

export interface Answer {
  status: ContentfulStatusCode;
  body: Omit<Batch, 'outcomes'> & { error?: string };
}

/** Takes the logs of one request. Throws an HttpRefusal, or what the appender throws, when it takes none. */
export type Receive = (incoming: IncomingMessage) => Promise<Answer>;

export function createReceiver(
  config: HttpInputConfig,
  deps: InputDeps,
  gate: Gate,
  appender: WatchedAppender,
): Receive {
  const { name, metrics } = deps;
  // A body that is allowed at all must fit.
  const budget = createByteBudget(Math.max(config.bodies_bytes_max, config.body_bytes_max));

  const charset = createCharset(config.encoding, config.on_bad_bytes);
  const framing = createFraming(config.framing, { charset, recordBytesMax: config.body_bytes_max });
  const decoded = config.decoder === undefined ? undefined : charset;

  return async (incoming) => {
    const head = parseHead(incoming, decoded);
    const lease = budget.open();
    try {
      const body = await readBody(incoming, head.encodings, {
        bytesMax: config.body_bytes_max,
        lease,
        onReceived: (bytes) => metrics.bytes.inc({ input: name }, bytes),
      });
      const records =
        head.format === 'framed'
          ? await cutFramed(body, framing, config.logs_max)
          : cutRecords(textIn(body), head.format);
      const { outcomes, ...told } = await runRecords(deps, records, head, config.logs_max);
      const noneTaken = told.accepted === 0 && told.rejected_count > 0;
      if (!noneTaken) {
        if (head.idempotencyKey !== undefined) await claimKey(deps, head.idempotencyKey, body);
        gate.check();
        // The rejected ones go along as dead letters: a 200 takes over the whole body.
        await appender.append(outcomes);
      }
      metrics.rejected.inc({ input: name }, told.rejected_count);
      // After a 400 the sender keeps what it sent, so we need not.
      return noneTaken ? refused(told) : { status: 200, body: told };
    } finally {
      lease.release();
    }
  };
}

/** What the headers say. Throws before anything of the body is read. */
function parseHead(incoming: IncomingMessage, decoded: Charset | undefined) {
  const { headers } = incoming;
  const format = parseContentType(headers['content-type'], decoded);
  const encodings = parseContentEncoding(headers['content-encoding']);
  const idempotencyKey = parseIdempotencyKey(oneOf(headers['idempotency-key']));
  const requestId = idempotencyKey ?? randomUUID();
  const meta = {
    request_id: requestId,
    remote_address: remoteAddress(incoming),
    // Or the input's decoder would be given what it is not for when a dead letter is tried again.
    ...(decoded !== undefined && format !== 'framed' ? { [RETRY_META.json]: 'true' } : {}),
  };
  return { format, encodings, idempotencyKey, requestId, meta };
}

/** Node joins repeated headers of most names; its types do not know which. */
function oneOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}

/** Who sent it, as a proxy in front tells, or else whoever is connected. Good to know, nothing to rely on: anybody can set the header. */
function remoteAddress(incoming: IncomingMessage): string {
  const [first = ''] = (oneOf(incoming.headers['x-forwarded-for']) ?? '').split(',');
  const forwarded = first.trim();
  return /^[\w.:[\]-]{1,128}$/.test(forwarded) ? forwarded : (incoming.socket.remoteAddress ?? '');
}

function refused(told: Answer['body']): Answer {
  const error = `none of the ${told.rejected_count + told.skipped} records is a tracking log; nothing was kept`;
  return { status: 400, body: { error, ...told } };
}
