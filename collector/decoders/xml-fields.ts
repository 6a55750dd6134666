import type { Fields } from '../outcome.ts';
import type { XmlElement } from '../xml-reader.ts';
import { addValue, noFields } from './decoder.ts';

/** How elements become fields. */
export interface XmlNaming {
  namespaces: 'ignore' | 'prefix';
  attribute_prefix: string;
  /** Elements that are lists even if there is only one of them. */
  lists: readonly string[];
}

/** What an element's own text is called if it has attributes or elements as well. */
const TEXT = '#text';

/** What an element or attribute is called as a field. */
export function nameOf(name: string, { namespaces }: Pick<XmlNaming, 'namespaces'>): string {
  return namespaces === 'prefix' ? name : name.slice(name.lastIndexOf(':') + 1);
}

const declaresNamespace = (name: string) => name === 'xmlns' || name.startsWith('xmlns:');

export interface FieldsOf {
  /** An object of the element's attributes and elements. */
  readonly fields: (element: XmlElement) => Fields;
  /** The element's text if it has nothing else, or such an object. */
  readonly value: (element: XmlElement) => unknown;
}

export function createFieldsOf(naming: XmlNaming): FieldsOf {
  const lists = new Set(naming.lists);

  function fieldsOf({ attributes, children, text }: XmlElement): Fields {
    const fields = noFields();
    for (const [name, value] of attributes) {
      if (!declaresNamespace(name)) addValue(fields, naming.attribute_prefix + nameOf(name, naming), value);
    }
    for (const child of children) {
      const name = nameOf(child.name, naming);
      const value = valueOf(child);
      if (lists.has(name) && fields[name] === undefined) fields[name] = [value];
      else addValue(fields, name, value);
    }
    const own = text.trim();
    if (own !== '') addValue(fields, TEXT, own);
    return fields;
  }

  function valueOf(element: XmlElement): unknown {
    const isPlain = element.children.length === 0 && [...element.attributes.keys()].every(declaresNamespace);
    return isPlain ? element.text.trim() : fieldsOf(element);
  }

  return { fields: fieldsOf, value: valueOf };
}
