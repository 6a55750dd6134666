import { Document, isCollection } from 'yaml';

/** A value as YAML in one line, in quotes where it needs them. */
export function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return scalar(value);
  const pairs = Object.entries(value).map(([key, part]) => `${scalar(key)}: ${inline(part)}`);
  return `{ ${pairs.join(', ')} }`;
}

/** As it stands within brackets, where more needs quotes than outside of them. */
function scalar(value: unknown): string {
  const document = new Document([value]);
  if (isCollection(document.contents)) document.contents.flow = true;
  return document
    .toString({ lineWidth: 0, singleQuote: true, flowCollectionPadding: false })
    .trim()
    .slice(1, -1);
}
