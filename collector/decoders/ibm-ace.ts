import * as v from 'valibot';
import { createCharset, encodingSchema } from '../charset.ts';
import type { Charset } from '../charset.ts';
import { readMqMessage } from '../mq-message.ts';
import type { Fields } from '../outcome.ts';
import { quoted } from '../quoted.ts';
import { readXml } from '../xml-reader.ts';
import type { XmlElement } from '../xml-reader.ts';
import { addValue, noFields, notText } from './decoder.ts';
import type { DecoderComponent } from './decoder.ts';
import { createFieldsOf } from './xml-fields.ts';

const config = v.strictObject({
  type: v.literal('ibm-ace'),
  headers: v.optional(
    v.pipe(
      v.picklist(['strip', 'keep'], 'must be strip or keep'),
      v.description(
        'Whether the descriptor and the headers of MQ that stand before the message in the bit stream (MQMD, RFH2) are taken off, or belong to the payload.',
      ),
    ),
    'strip',
  ),
  payload_encoding: v.exactOptional(
    v.pipe(
      encodingSchema,
      v.description(
        'How the message in the bit stream is written, if its headers do not say it; as the input if not given.',
      ),
    ),
  ),
});
type AceConfig = v.InferOutput<typeof config>;

/** Elements are so deep in an event at most, business data within it included. */
const DEPTH_MAX = 128;

/**
 * Monitoring events of IBM Integration Bus (WMBEvent, `wmb:event`) and App Connect Enterprise (MonitoringEventV2, `mon:event`): the
 * same names for what both say in their own.
 */
export const ibmAceDecoder = {
  type: 'ibm-ace',
  summary:
    'Each record is a monitoring event of IBM Integration Bus or App Connect Enterprise as XML, version 1 (`wmb:event`) or 2. Fields: `event_name`, `source_address`, `point` (the node that the event was put on) and `kind` (`start`, `end`, `failure`; `terminal` for others), `terminal`, `time`, `counter`, `local_transaction_id`, `parent_transaction_id`, `global_transaction_id`, `integration_node`, `integration_server`, `host`, `application`, `library`, `message_flow`, `unique_flow_name`, `thread_id`, `node`, `node_type`, `node_detail`, `data` (an object of what was extracted), `payload` (`payload_base64` if it is no text), `payload_format`, `msg_id` and `correl_id`. What is empty is left out. Needs `framing: { type: xml }` unless each event is one line.',
  example: 'decoder: { type: ibm-ace }',
  config,
  create: (settings, { charset }) => ({
    decode: ({ bytes }) => {
      const text = charset.decode(bytes);
      if (text === undefined) return { error: notText(charset) };
      const root = readXml(text, { depthMax: DEPTH_MAX });
      if (typeof root === 'string') return { error: root };
      const point = child(root, 'eventPointData');
      if (localName(root) !== 'event' || point === undefined) {
        return { error: `is no monitoring event: its root is ${quoted(root.name)}` };
      }
      const fields = noFields();
      readPoint(point, fields);
      const data = readData(child(root, 'applicationData'));
      if (data !== undefined) fields['data'] = data;
      const bitstream = child(child(root, 'bitstreamData'), 'bitstream');
      const problem =
        bitstream === undefined ? undefined : readBitstream(bitstream, settings, charset, fields);
      return problem === undefined ? { fields: [fields] } : { error: problem };
    },
  }),
} satisfies DecoderComponent<AceConfig>;

const localName = ({ name }: XmlElement) => name.slice(name.indexOf(':') + 1);

function child(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((child) => localName(child) === name);
}

/** An attribute by its name without a prefix; empty ones count as absent: an empty id is never an id. */
function attribute(element: XmlElement | undefined, name: string): string | undefined {
  for (const [given, value] of element?.attributes ?? []) {
    if (given.slice(given.indexOf(':') + 1) === name && value.trim() !== '') return value;
  }
  return undefined;
}

/** What one event point says: field → element below it, attribute. Version 2 has other names for some, and more. */
const SAID: readonly (readonly [string, readonly string[], string])[] = [
  ['event_name', ['eventData', 'eventIdentity'], 'eventName'],
  ['source_address', ['eventData'], 'eventSourceAddress'],
  ['time', ['eventData', 'eventSequence'], 'creationTime'],
  ['counter', ['eventData', 'eventSequence'], 'counter'],
  ['local_transaction_id', ['eventData', 'eventCorrelation'], 'localTransactionId'],
  ['parent_transaction_id', ['eventData', 'eventCorrelation'], 'parentTransactionId'],
  ['global_transaction_id', ['eventData', 'eventCorrelation'], 'globalTransactionId'],
  ['integration_node', ['messageFlowData', 'broker'], 'name'],
  ['integration_node', ['messageFlowData', 'integrationNode'], 'name'],
  ['host', ['messageFlowData', 'broker'], 'hostName'],
  ['host', ['messageFlowData', 'integrationNode'], 'hostName'],
  ['integration_server', ['messageFlowData', 'executionGroup'], 'name'],
  ['integration_server', ['messageFlowData', 'integrationServer'], 'name'],
  ['host', ['messageFlowData', 'integrationServer'], 'hostName'],
  ['application', ['messageFlowData', 'application'], 'name'],
  ['library', ['messageFlowData', 'library'], 'name'],
  ['message_flow', ['messageFlowData', 'messageFlow'], 'name'],
  ['unique_flow_name', ['messageFlowData', 'messageFlow'], 'uniqueFlowName'],
  ['thread_id', ['messageFlowData', 'messageFlow'], 'threadId'],
  ['node', ['messageFlowData', 'node'], 'nodeLabel'],
  ['node_type', ['messageFlowData', 'node'], 'nodeType'],
  ['node_detail', ['messageFlowData', 'node'], 'detail'],
  ['terminal', ['messageFlowData', 'node'], 'terminal'],
];

function readPoint(point: XmlElement, fields: Fields): void {
  for (const [field, path, name] of SAID) {
    const value = attribute(path.reduce<XmlElement | undefined>(child, point), name);
    if (value !== undefined) fields[field] ??= value;
  }
  const address = fields['source_address'];
  if (typeof address === 'string') readAddress(address, fields);
}

/** `node.transaction.Start`, `node.terminal.out`; names of nodes may have dots. */
const ADDRESS = /^(?<point>.+)\.(?<source>transaction|terminal)\.(?<what>[^.]+)$/s;
const KINDS: Readonly<Record<string, string>> = {
  'transaction.start': 'start',
  'transaction.end': 'end',
  'transaction.rollback': 'failure',
  'terminal.failure': 'failure',
  'terminal.catch': 'failure',
};

function readAddress(address: string, fields: Fields): void {
  const { point, source, what } = ADDRESS.exec(address)?.groups ?? {};
  if (point === undefined || source === undefined || what === undefined) return;
  fields['point'] = point;
  fields['kind'] = KINDS[`${source}.${what.toLowerCase()}`] ?? source;
  if (source === 'terminal') fields['terminal'] ??= what;
}

const fieldsOf = createFieldsOf({ namespaces: 'ignore', attribute_prefix: '@', lists: [] });

/** Business data that the event was told to take out of the message, by its names. */
function readData(element: XmlElement | undefined): Fields | undefined {
  const data = noFields();
  for (const content of element?.children ?? []) {
    const name = attribute(content, 'name') ?? attribute(content, 'elementName');
    if (name === undefined) continue;
    if (localName(content) === 'simpleContent') {
      const value = attribute(content, 'value');
      if (value !== undefined) addValue(data, name, value);
    } else if (localName(content) === 'complexContent') {
      for (const part of content.children) addValue(data, name, fieldsOf.value(part));
    }
  }
  return Object.keys(data).length === 0 ? undefined : data;
}

function readBitstream(
  element: XmlElement,
  settings: AceConfig,
  charset: Charset,
  fields: Fields,
): string | undefined {
  const encoding = attribute(element, 'encoding') ?? 'CDATA';
  if (encoding === 'CDATA') {
    // The space around the section is none of the message, which the document holds as text already.
    if (element.text.trim() !== '') fields['payload'] = element.text.trim();
    return undefined;
  }
  const bytes = bytesOf(element.text, encoding);
  if (bytes === undefined) return `has a bit stream that is not ${encoding}`;
  if (bytes.length === 0) return undefined;
  const message = settings.headers === 'strip' ? readMqMessage(bytes) : undefined;
  if (message !== undefined) putIds(message, fields);
  const body = message?.body ?? bytes;
  const fallback =
    settings.payload_encoding === undefined ? charset : createCharset(settings.payload_encoding);
  const text = (message?.charset ?? fallback).decode(body);
  if (text === undefined) fields['payload_base64'] = body.toString('base64');
  else if (text !== '') fields['payload'] = text;
  return undefined;
}

function putIds({ format, msgId, correlId }: ReturnType<typeof readMqMessage>, fields: Fields): void {
  const isSet = (id: string | undefined) => id !== undefined && !/^0*$/.test(id);
  if (format !== '') fields['payload_format'] = format;
  if (isSet(msgId)) fields['msg_id'] = msgId;
  if (isSet(correlId)) fields['correl_id'] = correlId;
}

/** Buffer.from would stop at what is neither without a word. */
function bytesOf(text: string, encoding: string): Buffer | undefined {
  const letters = text.replaceAll(/\s+/g, '');
  if (encoding === 'hexBinary') {
    return letters.length % 2 === 0 && !/[^0-9A-Fa-f]/.test(letters)
      ? Buffer.from(letters, 'hex')
      : undefined;
  }
  if (encoding !== 'base64Binary' || letters.length % 4 !== 0) return undefined;
  const digits = letters.endsWith('==') ? letters.slice(0, -2) : letters.replace(/=$/, '');
  return /[^A-Za-z0-9+/]/.test(digits) ? undefined : Buffer.from(letters, 'base64');
}
