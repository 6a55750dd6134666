import type { Fields } from '../outcome.ts';
import { addValue, noFields } from './decoder.ts';

/** STRUCTURED-DATA of RFC 5424 (6.3): `[id name="value" …][id2 …]`, or `-` for none. */
export type StructuredData = { elements: Fields | undefined; end: number } | { problem: string };

export function readStructuredData(text: string, start: number): StructuredData {
  if (text.charAt(start) === '-') return { elements: undefined, end: start + 1 };
  const elements = noFields();
  let at = start;
  while (text.charAt(at) === '[') {
    const element = readElement(text, at + 1);
    if ('problem' in element) return element;
    elements[element.id] = element.values;
    at = element.end;
  }
  return at === start
    ? { problem: 'has neither structured data nor a - in its place' }
    : { elements, end: at };
}

// 6.3.2, 6.3.3: up to 32 letters, but not all keep to it.
const NAME = /[^\s="[\]]{1,255}/y;
const VALUE_BEGINNING = /="/y;

function readElement(
  text: string,
  start: number,
): { id: string; values: Fields; end: number } | { problem: string } {
  const id = stick(NAME, text, start);
  if (id === undefined) return { problem: `has structured data without an id at character ${start + 1}` };
  const values = noFields();
  let at = start + id.length;
  while (text.charAt(at) === ' ') {
    at += 1;
    const name = stick(NAME, text, at);
    const value = name === undefined ? undefined : readValue(text, at + name.length);
    if (name === undefined || value === undefined) {
      return { problem: `has structured data that breaks off at character ${at + 1}` };
    }
    // 6.3.3: a name may be repeated.
    addValue(values, name, value.text);
    at = value.end;
  }
  return text.charAt(at) === ']'
    ? { id, values, end: at + 1 }
    : { problem: `has structured data that breaks off at character ${at + 1}` };
}

function readValue(text: string, start: number): { text: string; end: number } | undefined {
  const beginning = stick(VALUE_BEGINNING, text, start);
  if (beginning === undefined) return undefined;
  const from = start + beginning.length;
  let end = text.indexOf('"', from);
  while (end >= 0 && isEscaped(text, from, end)) end = text.indexOf('"', end + 1);
  // Only these are escaped (6.3.3); a backslash before anything else is one.
  return end < 0 ? undefined : { text: text.slice(from, end).replaceAll(/\\(["\\\]])/g, '$1'), end: end + 1 };
}

function isEscaped(text: string, from: number, at: number): boolean {
  let backslashes = 0;
  while (at - backslashes > from && text.charAt(at - 1 - backslashes) === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

/** What the pattern finds right there. */
function stick(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}
