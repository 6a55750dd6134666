import { clickHouseError } from './clickhouse-error.ts';
import { RequestError } from './request.ts';
import type { Rights } from './access.ts';

/** What the front must know of a statement before it runs. */
export interface Statement {
  /** `select`: its answer can be streamed; `look`: other ones that only read; `change`: the rest. */
  kind: 'select' | 'look' | 'change';
  /** The format that it names itself. */
  format: string | undefined;
  /** It may leave something in its session. */
  keeps: boolean;
}

export interface StatementReader {
  /** Throws a RequestError for what the rights do not allow, and what the engine says of a text that it cannot read. */
  read(sql: string, rights: Rights): Statement;
}

/** Asks the engine for a statement in its normal form: one statement, no comments, keywords in capitals. */
export type Normalize = (sql: string) => string;

const SELECT = /^\s*(?:SELECT|WITH|FROM|\()/i;
const LOOK = /^\s*(?:SHOW|DESC|DESCRIBE|EXISTS|EXPLAIN)\b/i;
const FORMAT = /\nFORMAT `?(\w+)`?(?:\nSETTINGS [^\n]*)?\s*$/;
/** Words by which a statement may change its session; a false alarm costs a session. */
const KEEPS = /\b(?:SET|USE|TEMPORARY|EXECUTE)\b/i;
/** Perhaps several statements, which the engine would run and its parser refuses, as ClickHouse does over HTTP. */
const SEVERAL = /;\s*\S/;

/**
 * @param beyond functions and table functions that reach beyond the tables: files, other servers, the network. The engine's readonly
 * keeps from using the latter, but looks at some while it describes them.
 */
export function createStatementReader(normalize: Normalize, beyond: readonly string[]): StatementReader {
  const reaches = new RegExp(String.raw`\b(?:${beyond.join('|')})\b\s*\(`, 'i');

  function forbid(normal: string, rights: Rights): void {
    const plain = normal.replaceAll(/'[^'\\]*(?:\\[\s\S][^'\\]*)*'/g, "''");
    if (/\bINTO OUTFILE\b/.test(plain)) {
      throw refused(358, 'INTO_OUTFILE_NOT_ALLOWED', 'INTO OUTFILE is not allowed');
    }
    if (rights === 'all') return;
    // The engine lets readonly sessions write files by INSERT INTO FUNCTION.
    if (/\bINSERT INTO\b/.test(plain)) throw readonly();
    if (rights !== 'read') return;
    if (!SELECT.test(plain) && !LOOK.test(plain)) throw readonly();
    if (reaches.test(plain)) {
      throw refused(497, 'ACCESS_DENIED', 'Functions that reach beyond the tables are for this machine only');
    }
  }

  return {
    read: (sql, rights) => {
      const keeps = KEEPS.test(sql);
      const several = SEVERAL.test(sql);
      if (rights === 'all' && !several && !/\b(?:FORMAT|OUTFILE)\b/i.test(sql)) {
        return { kind: kindOf(withoutComments(sql)), format: undefined, keeps };
      }
      const normal = rights === 'all' && !several ? normalOrEmpty(normalize, sql) : normalize(sql);
      forbid(normal, rights);
      const kind = kindOf(normal === '' ? withoutComments(sql) : normal);
      return { kind, format: FORMAT.exec(normal)?.[1], keeps };
    },
  };
}

/** What it cannot be read as, the engine will say when it runs it. */
function normalOrEmpty(normalize: Normalize, sql: string): string {
  try {
    return normalize(sql);
  } catch {
    return '';
  }
}

function kindOf(sql: string): Statement['kind'] {
  if (SELECT.test(sql)) return /\bINSERT\b/i.test(sql) && !/^\s*SELECT/i.test(sql) ? 'change' : 'select';
  return LOOK.test(sql) ? 'look' : 'change';
}

/** Before the first word. */
function withoutComments(sql: string): string {
  return sql.replace(/^(?:\s+|--[^\n]*\n|#[^\n]*\n|\/\*[\s\S]*?\*\/)+/, '');
}

function refused(code: number, name: string, words: string): RequestError {
  return new RequestError(clickHouseError(code, name, words));
}

function readonly(): RequestError {
  return refused(164, 'READONLY', 'default: Cannot execute query in readonly mode');
}
