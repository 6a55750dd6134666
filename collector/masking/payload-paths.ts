import { parseExactJson } from '../exact-json.ts';
import { readXml } from '../xml-reader.ts';
import type { XmlElement } from '../xml-reader.ts';
import type { Cover } from './cover.ts';

/** Masks what stands at a path within a message that is JSON or XML. */

type Path = readonly string[];

export interface PathMask {
  /** Names from the root on (of XML: of its root element's content); `*` is any one, a first `**` any number of them. Lists are gone into. */
  path: Path;
  cover: Cover;
}

const DEPTH_MAX = 200;

/** The message with what the paths lead to covered; undefined if it is neither JSON nor XML, so that nobody knows what is in it. */
export function maskPayload(payload: string, masks: readonly PathMask[]): string | undefined {
  return payload.trimStart().startsWith('<') ? maskXml(payload, masks) : maskJson(payload, masks);
}

function maskJson(payload: string, masks: readonly PathMask[]): string | undefined {
  try {
    let value = parseExactJson(payload);
    for (const { path, cover } of masks) value = coverJson(value, [path], cover);
    return JSON.stringify(value);
  } catch (error) {
    // No JSON, or nested too deep to be gone through.
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** @param ways what is left of the path from here on; with `**` it may go on in several ways. */
function coverJson(value: unknown, ways: readonly Path[], cover: Cover): unknown {
  if (Array.isArray(value)) return (value as unknown[]).map((part) => coverJson(part, ways, cover));
  if (typeof value !== 'object' || value === null || ways.length === 0) return value;
  const entries = Object.entries(value).map(([key, part]): [string, unknown] => {
    const ahead = ways.flatMap((way) => waysInto(key, way));
    const isEnd = ahead.some((way) => way.length === 0);
    return [key, isEnd ? coverWhole(part, cover) : coverJson(part, ahead, cover)];
  });
  // Entries keep an own key named __proto__ a key.
  return Object.fromEntries(entries);
}

function waysInto(key: string, way: Path): Path[] {
  const [name, ...rest] = way;
  if (name === '**') return [way, ...waysInto(key, rest)];
  return name === key || name === '*' ? [rest] : [];
}

/** Of an object or a list, all that is in it. */
function coverWhole(value: unknown, cover: Cover): unknown {
  if (value === null || value === undefined || value === '') return value;
  if (Array.isArray(value)) return (value as unknown[]).map((part) => coverWhole(part, cover));
  if (typeof value !== 'object') return cover(typeof value === 'string' ? value : JSON.stringify(value));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, coverWhole(part, cover)]));
}

interface Change {
  start: number;
  end: number;
  text: string;
}

function maskXml(payload: string, masks: readonly PathMask[]): string | undefined {
  const root = readXml(payload, { depthMax: DEPTH_MAX });
  if (typeof root === 'string') return undefined;
  const changes = masks.flatMap(({ path, cover }) => changesIn(payload, root, path, cover));
  let masked = '';
  let at = 0;
  // Of two that overlap the one around the other counts.
  for (const { start, end, text } of changes.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    if (start < at) continue;
    masked += payload.slice(at, start) + text;
    at = end;
  }
  return masked + payload.slice(at);
}

function changesIn(text: string, element: XmlElement, path: readonly string[], cover: Cover): Change[] {
  const [name = '', ...rest] = path;
  if (name === '**') {
    const below = element.children.flatMap((child) => changesIn(text, child, path, cover));
    return [...changesIn(text, element, rest, cover), ...below];
  }
  if (name.startsWith('@') && rest.length === 0)
    return changesOfAttribute(text, element, name.slice(1), cover);
  return element.children
    .filter((child) => name === '*' || localName(child.name) === localName(name))
    .flatMap((child) =>
      rest.length === 0 ? changesOfContent(text, child, cover) : changesIn(text, child, rest, cover),
    );
}

/** Everything between the element's tags. */
function changesOfContent(text: string, element: XmlElement, cover: Cover): Change[] {
  const start = endOfTag(text, element.start);
  const end = text.lastIndexOf('</', element.end - 1);
  if (text.charAt(start - 2) === '/' || end <= start) return [];
  return [{ start, end, text: escaped(cover(contentOf(element).trim())) }];
}

function contentOf(element: XmlElement): string {
  return [element.text, ...element.children.map(contentOf)].join('');
}

function changesOfAttribute(text: string, element: XmlElement, name: string, cover: Cover): Change[] {
  const tag = text.slice(element.start, endOfTag(text, element.start));
  const attributes = tag.matchAll(/([^\s"'=<>/]+)[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*)"|'([^']*)')/g);
  return [...attributes].flatMap(({ 0: whole, 1: key = '', 2: double, 3: single, index }) => {
    if (localName(key) !== localName(name)) return [];
    const end = element.start + index + whole.length - 1;
    const value = element.attributes.get(key) ?? '';
    return [{ start: end - (double ?? single ?? '').length, end, text: escaped(cover(value)) }];
  });
}

/** Behind the > of a start tag, whose attributes may have some, too. */
function endOfTag(text: string, start: number): number {
  let quote = '';
  for (let at = start; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === '>') return at + 1;
  }
  return text.length;
}

const localName = (name: string) => name.slice(name.lastIndexOf(':') + 1);

const ESCAPES: Readonly<Record<string, string>> = {
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  '"': '&quot;',
  "'": '&apos;',
};

function escaped(text: string): string {
  return text.replaceAll(/[<>&"']/g, (character) => ESCAPES[character] ?? character);
}
