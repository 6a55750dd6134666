/** A text as SQL has it: where there are too many for parameters, which travel in the URL. The embedded engine takes a statement to end at a NUL. */
export function quote(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`);
  return `'${escaped.replaceAll('\0', String.raw`\0`)}'`;
}
