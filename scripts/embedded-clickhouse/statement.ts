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
  read(sql: string, rights: Rights, params: Params): Statement;
}

/** A request's parameters. */
type Params = Readonly<Record<string, string>>;

/** Asks the engine for a statement in its normal form: one statement, no comments, keywords in capitals. */
export type Normalize = (sql: string) => string;

const SELECT = /^\s*(?:SELECT|WITH|FROM|\()/i;
const LOOK = /^\s*(?:SHOW|DESC|DESCRIBE|EXISTS|EXPLAIN)\b/i;
const FORMAT = /\nFORMAT `?(\w+)`?(?:\nSETTINGS [^\n]*)?\s*$/;
/** Words by which a statement may change its session; a false alarm costs a session. */
const KEEPS = /\b(?:SET|USE|TEMPORARY|EXECUTE)\b/i;
/** Perhaps several statements, which the engine would run and its parser refuses, as ClickHouse does over HTTP. */
const SEVERAL = /;\s*\S/;

/** What the engine's normal form has in quotes: a text, a name that is no plain word, and names in the type of a parameter, which it leaves as they came. */
const QUOTED = /'(?:[^'\\]|\\[\s\S])*'|`(?:[^`\\]|\\[\s\S])*`|"(?:[^"\\]|\\[\s\S])*"/g;
/** Outside quotes the normal form has none of this, but the type of a parameter may: comments and other quotes, which could hide the rest. */
const DOUBTFUL = /['"`$#\\]|--|\/\*|[^\s\x20-\x7e]/;
/** A name that comes with the request, as a parameter. */
const NAME_BY_PARAMETER = /\{\s*(\w+)\s*:\s*Identifier\s*\}/gi;
/** The engine's database `default` takes a path for a table, and tells whether the file exists. */
const ASKS_FOR_A_PATH = /^\s*(?:SHOW|DESC|DESCRIBE|EXISTS)\b[\s\S]*(?:`[^`]*\/[^`]*`|Identifier)/;

/** What reaches beyond the tables: files, other servers, the network. */
export interface Beyond {
  /** Table functions, which stand before their arguments only. */
  tables: readonly string[];
  /** Functions, which may stand as a mere name, too: `arrayMap(file, …)`, `APPLY file`. */
  functions: readonly string[];
}

/**
 * @param beyond what only this machine may call. The engine refuses most of it by the session's role (rights.xml), but has no right for its
 * functions, and opens some files before it looks at rights.
 */
export function createStatementReader(normalize: Normalize, beyond: Beyond): StatementReader {
  const called = new RegExp(
    String.raw`\b(?:${[...beyond.tables, ...beyond.functions].join('|')})\b\s*\(`,
    'i',
  );
  // A new name is none of theirs, nor is a table's column.
  const named = new RegExp(String.raw`(?<!\bAS\s+|\.\s*)\b(?:${beyond.functions.join('|')})\b`);

  function forbid(normal: string, rights: Rights, params: Params): void {
    const plain = withoutQuoted(normal);
    if (/\bINTO OUTFILE\b/.test(plain)) {
      throw refused(358, 'INTO_OUTFILE_NOT_ALLOWED', 'INTO OUTFILE is not allowed');
    }
    if (rights === 'all') return;
    if (DOUBTFUL.test(plain)) {
      throw refused(62, 'SYNTAX_ERROR', "Comments and quotes in a parameter's type are not allowed");
    }
    // The engine lets readonly sessions write files by INSERT INTO FUNCTION.
    if (/\bINSERT INTO\b/.test(plain)) throw readonly();
    if (!SELECT.test(plain) && !LOOK.test(plain)) throw readonly();
    const full = plain.replaceAll(NAME_BY_PARAMETER, (_, name: string) => ` ${params[name] ?? ''} `);
    if (called.test(full) || named.test(full) || DOUBTFUL.test(full) || ASKS_FOR_A_PATH.test(normal)) {
      throw refused(497, 'ACCESS_DENIED', 'What reaches beyond the tables is not allowed');
    }
  }

  return {
    read: (sql, rights, params) => {
      const keeps = KEEPS.test(sql);
      const several = SEVERAL.test(sql);
      if (rights === 'all' && !several && !/\b(?:FORMAT|OUTFILE)\b/i.test(sql)) {
        return { kind: kindOf(withoutComments(sql)), format: undefined, keeps };
      }
      const normal = rights === 'all' && !several ? normalOrEmpty(normalize, sql) : normalize(sql);
      forbid(normal, rights, params);
      const kind = kindOf(normal === '' ? withoutComments(sql) : normal);
      return { kind, format: FORMAT.exec(normal)?.[1], keeps };
    },
  };
}

/** Texts and names in quotes without what they say; a plain word, which a function's name may be, stays. */
function withoutQuoted(normal: string): string {
  return normal.replaceAll(QUOTED, (quoted) =>
    quoted.startsWith("'") ? ' 0 ' : ` ${/^.(\w+).$/.exec(quoted)?.[1] ?? '_'} `,
  );
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
