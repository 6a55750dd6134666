import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { UTF_8 } from '../charset.ts';
import { createFraming, framingSchema } from '../framing/registry.ts';
import { createDecoder, decoderSchema } from './registry.ts';

const dir = new URL('../../../shared/data/iib-events/eventfully__', import.meta.url);
const read = (name: string) => readFileSync(new URL(dir.href + name));

function decode(event: Buffer | string, config: object = {}): Record<string, unknown> | string {
  const decoder = createDecoder(v.parse(decoderSchema, { type: 'ibm-ace', ...config }));
  const decoded = decoder.decode({ bytes: Buffer.from(event), event_id: 'e', meta: {} });
  if ('error' in decoded) return decoded.error;
  return JSON.parse(JSON.stringify(decoded.fields[0])) as Record<string, unknown>;
}

const MQMD_BYTES = 364;

describe('an event of IBM Integration Bus', () => {
  test('says where it was, what happened and what of; its empty id is none', () => {
    const { payload, data, ...rest } = decode(read('InputOrderEvent.xml')) as Record<string, unknown>;
    expect(rest).toEqual({
      event_name: 'InputOrder.TransactionStart',
      source_address: 'InputOrder.transaction.Start',
      point: 'InputOrder',
      kind: 'start',
      time: '2015-01-13T08:26:45.105999Z',
      counter: '1',
      local_transaction_id: '09e8fc6a-8095-4098-b006-45674e8d32b4-2',
      parent_transaction_id: 'ORderNumber',
      integration_node: 'IB9NODE',
      integration_server: 'test',
      message_flow: 'TotalPurchaseOrderFlow',
      unique_flow_name: 'IB9NODE.test.TotalPurchaseOrderFlow',
      thread_id: '49944',
      node: 'InputOrder',
      node_type: 'ComIbmMQInputNode',
      node_detail: 'INPUT_ORDER_PRICE',
      msg_id: `${Buffer.from('AMQ IB9QMGR     ').toString('hex')}3fd6b45420004302`,
    });
    expect(data).toMatchObject({
      purchaseOrderID: '11112222',
      customerID: '111111',
      items: { item: [{ partNum: '0239232', price: '4.99' }, { quantity: '10' }, { productName: 'spade' }] },
    });
    // The message that the event was made for, without its descriptor.
    const rfh = read('InputOrder.rfh');
    expect(payload).toBe(rfh.subarray(MQMD_BYTES).toString());
  });

  test('may keep the headers of its message', () => {
    const { payload } = decode(read('InputOrderEvent.xml'), {
      headers: 'keep',
      payload_encoding: 'latin1',
    }) as {
      payload: string;
    };
    expect(payload.slice(0, 4)).toBe('MD  ');
    expect(payload.length).toBe(read('InputOrder.rfh').length);
  });

  test('is found in the message that carried it', () => {
    const config = v.parse(framingSchema, { type: 'xml', root: 'wmb:event', outside: 'skip' });
    const framer = createFraming(config, { charset: UTF_8, recordBytesMax: 100_000 }).open(0);
    const found: unknown[] = [];
    framer.push(read('InputOrderEventXML.rfh'), ({ bytes }) => found.push(decode(bytes)));
    expect(found).toMatchObject([{ point: 'InputOrder', kind: 'start', data: { customerID: '111111' } }]);
  });
});

/** An event of version 2, as App Connect Enterprise writes it. */
const second = (
  address: string,
  more = '',
) => `<mon:event xmlns:mon="http://www.ibm.com/xmlns/monitoring/event/v2">
  <mon:eventPointData>
    <mon:eventData mon:productVersion="12040" mon:profileVersion="11" mon:eventSourceAddress="${address}">
      <mon:eventIdentity mon:eventName="Order in"/>
      <mon:eventSequence mon:creationTime="2026-01-31T09:15:00.123456Z" mon:counter="2"/>
      <mon:eventCorrelation mon:localTransactionId="L-1" mon:parentTransactionId="" mon:globalTransactionId="G-1"/>
    </mon:eventData>
    <mon:messageFlowData>
      <mon:integrationNode mon:name="NODE1"/>
      <mon:integrationServer mon:name="is1" mon:hostName="hub-1"/>
      <mon:application mon:name="Orders"/>
      <mon:messageFlow mon:uniqueFlowName="NODE1.is1.Orders.In" mon:name="In" mon:threadId="7"/>
      <mon:node mon:nodeLabel="HTTP Input" mon:nodeType="ComIbmWSInputNode"/>
    </mon:messageFlowData>
  </mon:eventPointData>${more}
</mon:event>`;
const bitstream = (encoding: string, text: string) =>
  `<mon:bitstreamData><mon:bitstream mon:encoding="${encoding}">${text}</mon:bitstream></mon:bitstreamData>`;

describe('an event of App Connect Enterprise (version 2)', () => {
  test('has the same fields, and what only it says', () => {
    expect(decode(second('HTTP Input.transaction.End'))).toEqual({
      event_name: 'Order in',
      source_address: 'HTTP Input.transaction.End',
      point: 'HTTP Input',
      kind: 'end',
      time: '2026-01-31T09:15:00.123456Z',
      counter: '2',
      local_transaction_id: 'L-1',
      global_transaction_id: 'G-1',
      integration_node: 'NODE1',
      integration_server: 'is1',
      host: 'hub-1',
      application: 'Orders',
      message_flow: 'In',
      unique_flow_name: 'NODE1.is1.Orders.In',
      thread_id: '7',
      node: 'HTTP Input',
      node_type: 'ComIbmWSInputNode',
    });
  });

  test.each([
    ['a.b.transaction.Start', { point: 'a.b', kind: 'start' }],
    ['In.transaction.Rollback', { point: 'In', kind: 'failure' }],
    ['In.terminal.failure', { point: 'In', kind: 'failure', terminal: 'failure' }],
    ['In.terminal.Catch', { point: 'In', kind: 'failure', terminal: 'Catch' }],
    ['Compute.terminal.out', { point: 'Compute', kind: 'terminal', terminal: 'out' }],
  ])('%s is a %j', (address, expected) => {
    expect(decode(second(address))).toMatchObject(expected);
  });

  test('an address of another kind is only an address', () => {
    expect(decode(second('odd'))).not.toHaveProperty('kind');
  });

  test.each([
    ['base64Binary', Buffer.from('<a>가</a>').toString('base64'), { payload: '<a>가</a>' }],
    ['hexBinary', Buffer.from('<a>가</a>').toString('hex').toUpperCase(), { payload: '<a>가</a>' }],
    ['CDATA', '<![CDATA[<a>가</a>]]>\n', { payload: '<a>가</a>' }],
    ['base64Binary', '//4A', { payload_base64: '//4A' }],
  ])('its message is read from %s', (encoding, text, expected) => {
    expect(decode(second('In.transaction.Start', bitstream(encoding, text)))).toMatchObject(expected);
  });

  test.each([
    ['base64Binary', 'a!bc', 'has a bit stream that is not base64Binary'],
    ['base64Binary', 'abc', 'has a bit stream that is not base64Binary'],
    ['hexBinary', '0g', 'has a bit stream that is not hexBinary'],
    ['hexBinary', '012', 'has a bit stream that is not hexBinary'],
    ['octal', '012', 'has a bit stream that is not octal'],
  ])('%s of %s is refused', (encoding, text, problem) => {
    expect(decode(second('In.transaction.Start', bitstream(encoding, text)))).toBe(problem);
  });

  test('its message may have headers of MQ that say its encoding', () => {
    const rfh2 = Buffer.alloc(36 + 4 + 8, ' ');
    rfh2.write('RFH ', 0, 'latin1');
    rfh2.writeInt32BE(2, 4);
    rfh2.writeInt32BE(rfh2.length, 8);
    rfh2.writeInt32BE(970, 16);
    rfh2.write('MQSTR   ', 20, 'latin1');
    const bytes = Buffer.concat([rfh2, Buffer.from([0xb0, 0xa1, 0xb3, 0xaa])]);
    expect(
      decode(second('In.transaction.Start', bitstream('base64Binary', bytes.toString('base64')))),
    ).toMatchObject({ payload: '가나', payload_format: 'MQSTR' });
  });
});

test('the message with RFH2 headers of the samples gives its body', () => {
  const message = read('InputOrderWithRFH2.rfh').toString('base64');
  const { payload } = decode(second('In.transaction.Start', bitstream('base64Binary', message))) as {
    payload: string;
  };
  expect(payload).toBe(read('InputOrder.rfh').subarray(MQMD_BYTES).toString());
});

test.each([
  ['<event/>', 'is no monitoring event: its root is "event"'],
  [
    '<wmb:event><wmb:eventPointData></wmb:event>',
    'closes "wmb:event" where "wmb:eventPointData" is open at line 1, column 32',
  ],
  ['{}', 'has text outside of its root element at line 1, column 1'],
])('%s is refused', (text, problem) => {
  expect(decode(text)).toBe(problem);
});
