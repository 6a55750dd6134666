/** One row of delimited text, as RFC 4180 has it where there are quotes. */

export interface RowFormat {
  delimiter: string;
  /** One character, or false if quotes mean nothing. */
  quote: string | false;
  /** Whether spaces around a field are dropped; those within quotes stay. */
  trim: boolean;
}

/**
 * The row's fields, or in words why it has none. A field is quoted if it begins with a quote; in one that does not, quotes
 * mean nothing. RFC 4180 forbids those, but programs write them (`5\" disk`), and there is only one way to read them.
 */
export function splitRow(text: string, format: RowFormat): string[] | string {
  const { delimiter, quote, trim } = format;
  if (quote === false || !text.includes(quote)) {
    const row = text.split(delimiter);
    return trim ? row.map((field) => field.trim()) : row;
  }
  const row: string[] = [];
  let at = 0;
  for (;;) {
    const start = trim ? skipSpaces(text, at, delimiter) : at;
    if (text.startsWith(quote, start)) {
      const field = readQuoted(text, start + 1, quote);
      if (field === undefined) return `has a quote in field ${row.length + 1} that is not closed`;
      row.push(field.value);
      at = trim ? skipSpaces(text, field.end, delimiter) : field.end;
      if (at < text.length && !text.startsWith(delimiter, at)) {
        return `has something behind the closing quote of field ${row.length}`;
      }
    } else {
      const end = text.indexOf(delimiter, at);
      const field = text.slice(at, end < 0 ? text.length : end);
      row.push(trim ? field.trim() : field);
      at = end < 0 ? text.length : end;
    }
    if (at >= text.length) return row;
    at += delimiter.length;
  }
}

/** @param start behind the opening quote. */
function readQuoted(text: string, start: number, quote: string): { value: string; end: number } | undefined {
  const pieces: string[] = [];
  let from = start;
  for (;;) {
    const end = text.indexOf(quote, from);
    if (end < 0) return undefined;
    pieces.push(text.slice(from, end));
    // Two quotes are one that is meant.
    if (!text.startsWith(quote, end + 1)) return { value: pieces.join(quote), end: end + 1 };
    from = end + 2;
  }
}

/** A delimiter may be a space itself, or begin with one. */
function skipSpaces(text: string, from: number, delimiter: string): number {
  let at = from;
  while (at < text.length && !text.startsWith(delimiter, at) && text.charAt(at).trim() === '') at += 1;
  return at;
}
