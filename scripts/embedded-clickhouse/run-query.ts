import type { Session } from 'chdb';
import type { Rights } from './access.ts';
import type { Answer } from './answer.ts';
import { toHttpError } from './clickhouse-error.ts';
import type { Engine } from './engine.ts';
import { insertAsText, insertRows, rawInsertOf } from './insert-rows.ts';
import type { QueryRequest } from './request.ts';
import type { SessionKind } from './session-pool.ts';
import type { Statement } from './statement.ts';
import { isStreamable, streamRows, takeAhead } from './stream-rows.ts';

/**
 * Answers up to here are made whole before they are sent: away from the event loop, and with errors told by the status. Of larger ones the
 * query begins anew and is streamed.
 */
const WHOLE = { max_result_rows: '100000', max_result_bytes: '16777216' };
/** Of formats that are one document, and cannot be streamed; more is refused. As text it may be some times as much. */
const DOCUMENT = { max_result_rows: '1000000', max_result_bytes: '67108864' };
/** Held back of an answer whose end is to be waited for; of a larger one, a failure later breaks the connection. */
const AHEAD_BYTES_MAX = 16 * 1024 * 1024;
const TOO_MANY_ROWS_OR_BYTES = 396;
const INSERT = /^\s*INSERT\s/i;

/** Hands the answer on while its query's session is still taken. */
export type Hand = (answer: Answer) => Promise<void>;

/**
 * Runs a query as soon as the engine has room for it. Resolves when the answer was handed on. A query that only reads is ended when the
 * signal aborts; a change that has begun is not. Throws what the engine throws, and a GateFullError when too many wait.
 */
export async function runQuery(
  engine: Engine,
  request: QueryRequest,
  rights: Rights,
  signal: AbortSignal,
  hand: Hand,
): Promise<void> {
  const raw = rights === 'all' ? rawInsertOf(request) : undefined;
  if (raw !== undefined) {
    // Its settings are the statement's own.
    const plain = { ...kindOf(request, rights), settings: {}, params: {} };
    return engine.changing.use(
      () =>
        engine.sessions.use(plain, false, async ({ session }) =>
          hand(await insertRows(session, engine.rowFiles, request, raw)),
        ),
      signal,
    );
  }
  const statement = engine.statements.read(request.sql, rights, request.params);
  if (statement.kind !== 'change') {
    return engine.reading.use(() => look(engine, request, statement, rights, signal, hand), signal);
  }
  return engine.changing.use(
    () =>
      engine.sessions.use(kindOf(request, rights), statement.keeps, async ({ session }) => {
        if (INSERT.test(request.sql)) return hand(await insertAsText(session, request));
        const format = statement.format ?? request.defaultFormat;
        return hand(wholeAnswer(format, await session.queryAsync(request.sql, { format })));
      }),
    signal,
  );
}

async function look(
  engine: Engine,
  request: QueryRequest,
  statement: Statement,
  rights: Rights,
  signal: AbortSignal,
  hand: Hand,
): Promise<void> {
  const format = statement.format ?? request.defaultFormat;
  const { sql } = request;
  const kind = kindOf(request, rights);
  const use = (settings: QueryRequest['settings'], work: (session: Session) => Promise<void>) =>
    engine.sessions.use({ ...kind, settings }, statement.keeps, (marked) =>
      engine.endingOn(signal, marked, () => work(marked.session)),
    );
  const whole = async (session: Session) => {
    const result = await engine.turns.use(() => session.queryAsync(sql, { format }), signal);
    await hand(wholeAnswer(format, result));
  };
  const streamed = async (session: Session) => {
    const stream = await streamRows(session, sql, format, engine.turns);
    const chunks = request.waitForEnd ? await takeAhead(stream, AHEAD_BYTES_MAX) : stream;
    await hand({ format, chunks, summary: { rowsWritten: 0, rowsRead: 0, bytesRead: 0 } });
  };
  const streamable = statement.kind === 'select' && isStreamable(format);
  if (limitsItself(request, rights)) return use(kind.settings, streamable ? streamed : whole);
  const limits = streamable ? WHOLE : DOCUMENT;
  try {
    await use({ ...kind.settings, ...limits, result_overflow_mode: 'throw' }, whole);
  } catch (error) {
    if (!streamable || toHttpError(error).code !== TOO_MANY_ROWS_OR_BYTES) throw error;
    await use(kind.settings, streamed);
  }
}

/** Then a limit of ours could cut the result without a word. */
function limitsItself({ sql, settings }: QueryRequest, rights: Rights): boolean {
  // Such settings are not taken from elsewhere.
  if (rights === 'read') return false;
  return OWN_LIMIT.test(sql) || Object.keys(settings).some((name) => OWN_LIMIT.test(name));
}
const OWN_LIMIT = /max_result_|result_overflow_mode/;

function kindOf({ database, settings, params }: QueryRequest, rights: Rights): SessionKind {
  return { rights, database, settings, params };
}

interface Whole {
  rowsRead: number;
  bytesRead: number;
  bytes(): Uint8Array;
}

function wholeAnswer(format: string, result: Whole): Answer {
  const { rowsRead, bytesRead } = result;
  return { format, chunks: oneChunk(result.bytes()), summary: { rowsWritten: 0, rowsRead, bytesRead } };
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
