/** A text as SQL has it: where there are too many for parameters, which travel in the URL. */
export function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;
}
