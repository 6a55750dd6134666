/** The same logs in each format that a decoder reads, a record each. */

export interface SampleLog {
  txn: string;
  interface: string;
  step: string;
  result: string;
  time: string;
  customer: string;
  message: string;
}

export interface DecoderSample {
  /** As the table names it. */
  what: string;
  /** As a config has it. */
  decoder: { type: string } & Record<string, unknown>;
  encoding?: string;
  record(log: SampleLog): string;
}

/** About as long as the logs of the other parts, without what makes formats differ. */
export function sampleLog(number: number): SampleLog {
  return {
    txn: `ORD-20260131-${String(number).padStart(8, '0')}`,
    interface: `order-shop-wms-${number % 7}`,
    step: ['send', 'hub', 'receive'][number % 3] ?? 'send',
    result: number % 50 === 0 ? 'NG' : 'OK',
    time: new Date(1_769_850_900_000 + number * 137).toISOString(),
    customer: '홍길동',
    message: `order ${number} of the shop is on its way to the warehouse, with ${number % 17} items in it`,
  };
}

const FIELDS = ['txn', 'interface', 'step', 'result', 'time', 'customer', 'message'] as const;
const WIDTHS: Readonly<Record<(typeof FIELDS)[number], number>> = {
  txn: 24,
  interface: 20,
  step: 10,
  result: 4,
  time: 26,
  customer: 10,
  message: 100,
};

/** A text in so many bytes of EUC-KR, of which a Korean letter takes two. */
function padded(text: string, width: number): string {
  const wide = text.match(/[가-힣]/g)?.length ?? 0;
  return text + ' '.repeat(Math.max(0, width - text.length - wide));
}

const pattern = String.raw`^%{TIMESTAMP_ISO8601:time} \[(?<interface>[^\]]*)\] %{WORD:step} (?<txn>[\w-]+) %{WORD:result} (?<customer>\S+) - %{GREEDYDATA:message}$`;

export const DECODER_SAMPLES: readonly DecoderSample[] = [
  { what: 'json', decoder: { type: 'json' }, record: (log) => JSON.stringify(log) },
  {
    what: 'delimited, pipes',
    decoder: { type: 'delimited', delimiter: '|', columns: FIELDS, quote: false },
    record: (log) => FIELDS.map((name) => log[name]).join('|'),
  },
  {
    what: 'delimited, CSV with quotes',
    decoder: { type: 'delimited', columns: FIELDS },
    record: (log) => FIELDS.map((name) => `"${log[name]}"`).join(','),
  },
  {
    what: 'fixed-length, EUC-KR',
    encoding: 'euc-kr',
    decoder: {
      type: 'fixed-length',
      fields: FIELDS.map((name) => ({ name, bytes: WIDTHS[name] })),
    },
    record: (log) => FIELDS.map((name) => padded(log[name], WIDTHS[name])).join(''),
  },
  {
    what: 'key-value',
    decoder: { type: 'key-value' },
    record: (log) => FIELDS.map((name) => `${name}="${log[name]}"`).join(' '),
  },
  {
    what: 'regex, grok',
    decoder: { type: 'regex', patterns: pattern },
    record: (log) =>
      `${log.time} [${log.interface}] ${log.step} ${log.txn} ${log.result} ${log.customer} - ${log.message}`,
  },
  {
    what: 'syslog, RFC 5424',
    decoder: { type: 'syslog' },
    record: (log) =>
      `<134>1 ${log.time} hub-1 ${log.interface} 4242 ${log.step} [txn@32473 id="${log.txn}" result="${log.result}" customer="${log.customer}"] ${log.message}`,
  },
  {
    what: 'xml',
    decoder: { type: 'xml' },
    record: (log) => `<log>${FIELDS.map((name) => `<${name}>${log[name]}</${name}>`).join('')}</log>`,
  },
  { what: 'ibm-ace', decoder: { type: 'ibm-ace' }, record: monitoringEvent },
  { what: 'text', decoder: { type: 'text' }, record: (log) => FIELDS.map((name) => log[name]).join(' ') },
];

function monitoringEvent(log: SampleLog): string {
  const message = Buffer.from(`<order no="${log.txn}"><customer>${log.customer}</customer></order>`);
  return (
    '<wmb:event xmlns:wmb="http://www.ibm.com/xmlns/prod/websphere/messagebroker/6.1.0/monitoring/event"><wmb:eventPointData>' +
    '<wmb:eventData wmb:productVersion="9002" wmb:eventSourceAddress="Order In.transaction.Start">' +
    '<wmb:eventIdentity wmb:eventName="Order In.TransactionStart"/>' +
    `<wmb:eventSequence wmb:creationTime="${log.time}" wmb:counter="1"/>` +
    `<wmb:eventCorrelation wmb:localTransactionId="09e8fc6a-2" wmb:parentTransactionId="" wmb:globalTransactionId="${log.txn}"/>` +
    '</wmb:eventData><wmb:messageFlowData><wmb:broker wmb:name="NODE1"/><wmb:executionGroup wmb:name="orders"/>' +
    `<wmb:messageFlow wmb:name="${log.interface}"/><wmb:node wmb:nodeLabel="Order In" wmb:nodeType="ComIbmMQInputNode"/>` +
    '</wmb:messageFlowData></wmb:eventPointData><wmb:bitstreamData>' +
    `<wmb:bitstream wmb:encoding="base64Binary">${message.toString('base64')}</wmb:bitstream></wmb:bitstreamData></wmb:event>`
  );
}
