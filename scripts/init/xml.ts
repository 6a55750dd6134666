import { readXml } from '../../collector/xml-reader.ts';
import type { XmlElement } from '../../collector/xml-reader.ts';
import { recordsOf, shareOf } from './sample.ts';
import type { Sample } from './sample.ts';
import type { Shape } from './shape.ts';

const DEPTH_MAX = 64;
/** The last document of a sample may be cut off. */
const SHARE = 0.8;
const ACE_NAMESPACE = /monitoring\/event/;

/** XML documents, one a line or over several; one that holds the same element again and again holds records. */
export function guessXml(sample: Sample): Shape | undefined {
  if (!/^\s*<[?!\p{L}_]/u.test(sample.lines[0] ?? '')) return undefined;
  const ofLines = rootsOf(sample.lines);
  const documents = ofLines.length >= SHARE * sample.lines.length ? undefined : documentsOf(sample);
  const roots = documents ?? ofLines;
  const [root] = roots;
  if (root === undefined) return undefined;
  const cut =
    documents === undefined
      ? {}
      : { framing: { type: 'xml' as const }, framingWhy: 'XML documents over several lines' };
  if (isMonitoringEvent(root)) {
    return {
      ...cut,
      decoder: { type: 'ibm-ace' },
      decoderWhy: 'monitoring events of IBM Integration Bus or App Connect',
    };
  }
  const records = roots.length === 1 ? wayToRecords(root) : [];
  const way = records.length === 0 ? {} : { records };
  return {
    ...cut,
    decoder: { type: 'xml', ...way },
    decoderWhy:
      records.length === 0
        ? `each document, <${root.name}>, is a record`
        : `the document <${root.name}> holds several <${records.at(-1)}>: each is a record`,
  };
}

function documentsOf(sample: Sample): XmlElement[] | undefined {
  if (!sample.charset.isAsciiBased) return undefined;
  const documents = recordsOf(sample, { type: 'xml', outside: 'dead-letter' });
  const roots = rootsOf(documents);
  return shareOf(documents, (text) => typeof readXml(text, { depthMax: DEPTH_MAX }) !== 'string') >= SHARE
    ? roots
    : undefined;
}

function rootsOf(texts: readonly string[]): XmlElement[] {
  return texts.flatMap((text) => {
    const root = readXml(text, { depthMax: DEPTH_MAX });
    return typeof root === 'string' ? [] : [root];
  });
}

function isMonitoringEvent({ name, attributes }: XmlElement): boolean {
  return (
    localName(name) === 'event' &&
    [...attributes].some(([key, value]) => key.startsWith('xmlns') && ACE_NAMESPACE.test(value))
  );
}

/** From below the root to the first element that stands several times; empty if there is none. */
function wayToRecords(root: XmlElement): string[] {
  const way: string[] = [];
  let at = root;
  for (;;) {
    const names = at.children.map(({ name }) => localName(name));
    const repeated = names.find((name, index) => names.indexOf(name) < index);
    if (repeated !== undefined) {
      const same = at.children.find(({ name }) => localName(name) === repeated);
      // A list of plain values is a field of one record.
      return same !== undefined && same.children.length + same.attributes.size > 0 ? [...way, repeated] : [];
    }
    const [only, other] = at.children.filter(({ children }) => children.length > 0);
    if (only === undefined || other !== undefined) return [];
    way.push(localName(only.name));
    at = only;
  }
}

const localName = (name: string) => name.slice(name.lastIndexOf(':') + 1);
