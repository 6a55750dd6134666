import { stripVTControlCharacters } from 'node:util';

/** Columns that line up, also with Korean text in them; columns that are empty in every row are left out. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const shown = titles.map((_, column) => rows.some((row) => (row[column] ?? '') !== ''));
  const clean = rows.map((row) => row.map((cell) => oneLine(cell)));
  const all = [titles, ...clean].map((row) => row.filter((_, column) => shown[column]));
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ''))));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** What a log says must not move the cursor of whoever reads it. */
export function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex
  return stripVTControlCharacters(text).replace(/[\u0000-\u001F\u007F]+/g, ' ');
}

/** Columns of a terminal: East Asian wide characters take two. https://www.unicode.org/reports/tr11/ */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    width +=
      /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]/.test(
        character,
      )
        ? 2
        : 1;
  }
  return width;
}
