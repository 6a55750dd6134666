import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import * as v from 'valibot';
import { isMap, isPair, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { Document } from 'yaml';
import { reasonOfYaml, valuesOf } from './config-aliases.ts';
import { todosOf } from './config-todo.ts';
import { FatalError } from './errors.ts';

/** YAML → a checked config, with every mistake named by file, line and what was expected there. */

export interface ConfigMistake extends ConfigPlace {
  /** Path of the key: `inputs[0].paths`; '' for the whole. */
  key: string;
  /** What is wrong, or was expected. */
  reason: string;
}

export type ConfigPath = readonly (string | number)[];

/** 1-based. */
export interface ConfigPlace {
  line: number;
  column: number;
}

export type ConfigResult<T> =
  | {
      config: T;
      /** Where a part of the config stands in the text, or the nearest thing around it. */
      placeOf(path: ConfigPath): ConfigPlace;
      mistakes?: never;
    }
  | { config?: never; mistakes: ConfigMistake[] };

/** A config with mistakes: the message lists them all, one a line. */
export class ConfigError extends FatalError {
  override readonly name = 'ConfigError';
  readonly mistakes: readonly ConfigMistake[];

  constructor(file: string, mistakes: readonly ConfigMistake[]) {
    const lines = mistakes.map(
      ({ line, column, key, reason }) =>
        `  ${file}:${line}:${column}  ${key === '' ? '' : `${key} `}${reason}`,
    );
    super(
      `${mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`} in ${file}\n${lines.join('\n')}`,
    );
    this.mistakes = mistakes;
  }
}

/**
 * Reads and checks a config file. Texts may hold `${NAME}` or `${NAME:-default}` from `env`. Throws a ConfigError that
 * lists every mistake, or a FatalError when the file cannot be read.
 */
export function loadConfig<T>(file: string, schema: v.GenericSchema<unknown, T>, env: NodeJS.ProcessEnv): T {
  const result = checkConfig(readText(file), schema, env);
  if (result.mistakes !== undefined) throw new ConfigError(relative('.', file) || file, result.mistakes);
  return result.config;
}

function readText(file: string): string {
  try {
    return readUtf8(file);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new FatalError(
        `there is no config ${file}; \`tranweave init\` writes one, --config names another`,
      );
    }
    throw new FatalError(`the config ${file} cannot be read`, { cause: error });
  }
}

/** The text of a file that people write. Throws a ConfigError if it is in another encoding, whose letters would go into the data as garbage. */
export function readUtf8(file: string): string {
  const bytes = readFileSync(file);
  if (isUtf8(bytes)) return bytes.toString('utf8');
  // No letter of UTF-8 has the byte of a newline in it, so each line can be looked at alone.
  let [line, from, to] = [1, 0, bytes.indexOf(0x0a)];
  while (to >= 0 && isUtf8(bytes.subarray(from, to))) {
    [line, from] = [line + 1, to + 1];
    to = bytes.indexOf(0x0a, from);
  }
  const text = bytes.subarray(from, to < 0 ? undefined : to).toString('utf8');
  const place = { line, column: text.indexOf('\uFFFD') + 1 };
  throw new ConfigError(relative('.', file) || file, [
    { ...place, key: '', reason: 'is not UTF-8; save the file in that encoding' },
  ]);
}

export function checkConfig<T>(
  text: string,
  schema: v.GenericSchema<unknown, T>,
  env: NodeJS.ProcessEnv,
): ConfigResult<T> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const at = (offset: number): ConfigPlace => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  if (document.errors.length > 0) {
    return {
      mistakes: document.errors.map((error) => ({
        ...at(error.pos[0]),
        key: '',
        reason: reasonOfYaml(error),
      })),
    };
  }
  const missing = substitute(document, env);
  const { values, mistakes: aliases } = valuesOf(document);
  const unreadable = [...missing, ...aliases].sort((a, b) => a.offset - b.offset);
  if (unreadable.length > 0) {
    return { mistakes: unreadable.map(({ offset, reason }) => ({ ...at(offset), key: '', reason })) };
  }
  const result = v.safeParse(schema, values ?? {});
  const open = todosOf(document).map(({ path, offset }) => ({
    ...at(offset),
    key: keyOf(path),
    reason: 'is still to be filled in (TODO)',
  }));
  if (result.success && open.length === 0)
    return { config: result.output, placeOf: (path) => at(offsetOf(document, path)) };
  const mistakes = (result.issues ?? []).flatMap(leaves).map(({ issue, path }) => ({
    ...at(offsetOf(document, path)),
    key: keyOf(path),
    reason: reasonOf(issue),
  }));
  // Of what is to be filled in nothing else need be said.
  const others = mistakes.filter(({ key }) => !open.some((todo) => todo.key === key));
  return {
    mistakes: withoutRepeats([...open, ...others]).sort((a, b) => a.line - b.line || a.column - b.column),
  };
}

function withoutRepeats(mistakes: readonly ConfigMistake[]): ConfigMistake[] {
  return [...new Map(mistakes.map((mistake) => [`${mistake.key} ${mistake.reason}`, mistake])).values()];
}

const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/** Puts environment variables into the document's texts; returns those that are not set. */
function substitute(document: Document, env: NodeJS.ProcessEnv): { offset: number; reason: string }[] {
  const missing: { offset: number; reason: string }[] = [];
  visit(document, {
    Scalar: (key, node) => {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return;
      node.value = node.value.replaceAll(VARIABLE, (_whole, name: string, fallback?: string) => {
        const value = env[name] ?? fallback;
        if (value !== undefined) return value;
        missing.push({
          offset: node.range?.[0] ?? 0,
          reason: `the environment variable ${name} is not set; write \${${name}:-…} to give a default`,
        });
        return '';
      });
    },
  });
  return missing;
}

type Path = (string | number)[];

/** A union's issue says only that nothing fitted; if one option came near (it failed inside), its issues say what is wrong. */
function leaves(issue: v.BaseIssue<unknown>): { issue: v.BaseIssue<unknown>; path: Path }[] {
  const path = pathOf(issue);
  if (issue.issues === undefined || issue.type !== 'union')
    return [{ issue: inWordsOfLists(issue), path: path.slice(0, listIn(issue)) }];
  const near = issue.issues.filter(
    (sub) => ((sub.path?.length ?? 0) > 0 || sub.kind === 'validation') && !isOfList(sub),
  );
  if (near.length === 0) return [{ issue, path }];
  // Paths of issues inside a union begin at the union.
  return near.flatMap(leaves).map((leaf) => ({ issue: leaf.issue, path: [...path, ...leaf.path] }));
}

/** A list is looked at as an object as well, and what is then said of its properties is of no help. */
function isOfList(issue: v.BaseIssue<unknown>): boolean {
  return listIn(issue) === 0;
}

/** How far into the issue's path a list stands where an object should be; undefined if none does. */
function listIn(issue: v.BaseIssue<unknown>): number | undefined {
  const at = issue.path?.findIndex((item) => item.type === 'object' && Array.isArray(item.input)) ?? -1;
  return at < 0 ? undefined : at;
}

function inWordsOfLists(issue: v.BaseIssue<unknown>): v.BaseIssue<unknown> {
  return listIn(issue) === undefined
    ? issue
    : { ...issue, type: 'list', message: 'must be an object, not a list' };
}

function pathOf(issue: v.BaseIssue<unknown>): Path {
  return (issue.path ?? []).map((item) => item.key as string | number);
}

function keyOf(path: ConfigPath): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '');
}

function reasonOf(issue: v.BaseIssue<unknown>): string {
  if (issue.type !== 'strict_object') return issue.message;
  if (issue.expected === 'never') return 'is not known here; is it misspelt or indented wrongly?';
  return issue.expected === 'Object' ? 'must be an object' : 'is required';
}

/** Where a path stands in the text: at the key if there is one, else at the nearest thing around it. */
function offsetOf(document: Document, path: ConfigPath): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(last),
      );
      if (pair !== undefined && isScalar(pair.key) && pair.key.range) return pair.key.range[0];
      if (parent.range && length === path.length) return parent.range[0];
    }
    const node = document.getIn(path.slice(0, length), true) as
      { range?: [number, number, number] } | undefined;
    if (node?.range !== undefined) return node.range[0];
  }
  return 0;
}
