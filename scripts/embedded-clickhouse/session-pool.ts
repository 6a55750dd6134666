import type { Session } from 'chdb';
import type { Rights } from './access.ts';

/**
 * Sessions of the engine. What a request sets (rights, database, settings, names of parameters) makes a session that only requests which set
 * the same use again: nothing has to be taken back from it, and nothing of one request reaches another.
 */
export interface SessionKind {
  rights: Rights;
  database: string | undefined;
  settings: Readonly<Record<string, string>>;
  params: Readonly<Record<string, string>>;
}

/** A session, and the mark by which its running query is found in system.processes. */
export interface MarkedSession {
  session: Session;
  mark: string;
}

export interface SessionPool {
  /**
   * Runs the work with a session that is its alone. Throws what the engine says of a setting, a parameter or the database.
   *
   * @param keeps whether the statement may leave something in the session (SET, USE, a temporary table): then it is not used again.
   */
  use<T>(kind: SessionKind, keeps: boolean, work: (session: MarkedSession) => Promise<T>): Promise<T>;
  /** Closes those that are not in use; the others once they are given back. */
  close(): void;
}

/** Sessions kept for the next of their kind; one is 130 kB, and 0.3 ms to open. */
const IDLE_MAX = 32;

interface Idle extends MarkedSession {
  key: string;
}

export function createSessionPool(open: () => Session): SessionPool {
  /** Least recently used first. */
  let idle: Idle[] = [];
  let opened = 0;
  let closed = false;

  function take(key: string, kind: SessionKind): MarkedSession {
    const at = idle.findLastIndex((candidate) => candidate.key === key);
    const [found] = at === -1 ? [] : idle.splice(at, 1);
    if (found !== undefined) return found;
    const session = open();
    opened += 1;
    const mark = `tranweave ${opened} `;
    try {
      prepare(session, kind, mark);
    } catch (error) {
      session.close();
      throw error;
    }
    return { session, mark };
  }

  function giveBack(key: string, taken: MarkedSession): void {
    idle.push({ ...taken, key });
    if (idle.length > IDLE_MAX) idle.shift()?.session.close();
  }

  return {
    use: async (kind, keeps, work) => {
      const key = keyOf(kind);
      const taken = take(key, kind);
      let useless = true;
      try {
        setParameters(taken.session, kind.params);
        const result = await work(taken);
        useless = keeps || closed;
        return result;
      } finally {
        // Tried: what a query had put out before it failed comes before the rows of the session's next query.
        if (useless) taken.session.close();
        else giveBack(key, taken);
      }
    },
    close: () => {
      closed = true;
      for (const { session } of idle) session.close();
      idle = [];
    },
  };
}

function keyOf({ rights, database, settings, params }: SessionKind): string {
  const sorted = Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([rights, database, sorted, Object.keys(params).sort()]);
}

function prepare(session: Session, { rights, database, settings }: SessionKind, mark: string): void {
  const marked = { ...settings, log_comment: `${mark}${settings['log_comment'] ?? ''}` };
  const assignments = Object.entries(marked).map(([name, value]) => `${name} = ${quoteText(value)}`);
  session.query(`SET ${assignments.join(', ')}`);
  if (database !== undefined) session.query(`USE ${quoteName(database)}`);
  // Without the role, the session may read tables and nothing else, whatever its statements are (rights.xml).
  if (rights !== 'all') session.query('SET ROLE NONE');
  // Last: from here on the engine refuses changes, of this setting too.
  if (rights === 'no-changes') session.query('SET readonly = 2');
  if (rights === 'read') session.query('SET readonly = 1');
}

/** By `SET param_x`, whose text the engine reads as ClickHouse's HTTP handler does; chdb's own binding escapes arrays twice. */
function setParameters(session: Session, params: Readonly<Record<string, string>>): void {
  const entries = Object.entries(params);
  if (entries.length === 0) return;
  session.query(`SET ${entries.map(([name, value]) => `param_${name} = ${quoteText(value)}`).join(', ')}`);
}

/** A text as SQL writes it. The engine takes statements as C does, which end at a NUL. */
export function quoteText(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`);
  return `'${escaped.replaceAll('\0', String.raw`\0`)}'`;
}

function quoteName(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}
