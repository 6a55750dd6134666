import * as v from 'valibot';
import { wholeNumber } from '../../common/config-values.ts';
import type { Fields } from '../outcome.ts';
import { quoted } from '../quoted.ts';
import { readXml } from '../xml-reader.ts';
import type { XmlElement } from '../xml-reader.ts';
import { notText } from './decoder.ts';
import type { DecoderComponent } from './decoder.ts';
import { createFieldsOf, nameOf } from './xml-fields.ts';

const elementName = v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty'));

const config = v.strictObject({
  type: v.literal('xml'),
  namespaces: v.optional(
    v.pipe(
      v.picklist(['ignore', 'prefix'], 'must be ignore or prefix'),
      v.description(
        'Whether names are taken without their prefix (`order`), or with the prefix that stands in the document (`po:order`). Declarations of namespaces are no fields either way.',
      ),
    ),
    'ignore',
  ),
  attribute_prefix: v.optional(
    v.pipe(
      v.string('must be a text'),
      v.maxLength(8, 'must have at most 8 characters'),
      v.description('What stands before the names of fields that are attributes.'),
    ),
    '@',
  ),
  lists: v.optional(
    v.pipe(
      v.array(elementName, 'must be a list of element names'),
      v.description(
        'Elements that are a list even if there is only one of them, named as fields are; those that stand several times are one anyway.',
      ),
    ),
    [],
  ),
  records: v.exactOptional(
    v.pipe(
      v.array(elementName, 'must be a list of element names'),
      v.minLength(1, 'must name at least one element'),
      v.description(
        'For documents that hold several records: the way to them from below the root, like `[body, orders, order]`. Without it the document is one record.',
      ),
    ),
  ),
  depth_max: v.optional(wholeNumber(1, 1000, 'Elements may stand in elements so deep.'), 64),
});
type XmlConfig = v.InferOutput<typeof config>;

/** Documents become objects: an element with nothing but text is that text, any other an object of its attributes and elements. */
export const xmlDecoder = {
  type: 'xml',
  summary:
    'Each record is an XML document, whose root’s attributes and elements are the fields; those below are reached by paths (`customer.name`, `items.item.0.@no`, `note.#text`). Elements that stand several times are lists. Entities are the five of XML and numbers; a document type that declares anything is refused. Documents over several lines need `framing: { type: xml }`.',
  example: 'decoder: { type: xml, lists: [item] }',
  config,
  create: (settings, { charset }) => {
    const { fields: fieldsOf } = createFieldsOf(settings);
    return {
      decode: ({ bytes }) => {
        const text = charset.decode(bytes);
        if (text === undefined) return { error: notText(charset) };
        const root = readXml(text, { depthMax: settings.depth_max });
        return typeof root === 'string' ? { error: root } : recordsOf(root, settings, fieldsOf);
      },
    };
  },
} satisfies DecoderComponent<XmlConfig>;

function recordsOf(root: XmlElement, settings: XmlConfig, fieldsOf: (element: XmlElement) => Fields) {
  if (settings.records === undefined) return { fields: [fieldsOf(root)] };
  let found = [root];
  for (const name of settings.records) {
    found = found.flatMap(({ children }) =>
      children.filter((child) => nameOf(child.name, settings) === name),
    );
  }
  return found.length === 0
    ? { error: `has no element ${settings.records.join(' / ')} below its root ${quoted(root.name)}` }
    : { fields: found.map(fieldsOf) };
}
