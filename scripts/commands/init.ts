import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { FatalError } from '../../common/errors.ts';
import { timeZone } from '../../common/time-zone.ts';
import { configText } from '../init/config-text.ts';
import { guessInput } from '../init/guess.ts';
import { SAMPLE_BYTES_MAX } from '../init/sample.ts';

/** What `init` writes; a test checks that it is valid and that what is commented out would be, too. */
export const STARTER = `# Tranweave. Every key with its meaning: docs/configuration.md. Check this file: tranweave validate
# Texts may hold \${NAME} or \${NAME:-default} from the environment.

# How many processors can share the work at most. Fixed when a deployment first starts.
partitions: 8

redis:
  url: redis://127.0.0.1:6399
  # password: \${REDIS_PASSWORD}

# Where logs come from.
inputs:
  - name: api
    type: http
    host: 127.0.0.1
    port: 8080

  # - name: orders
  #   type: file
  #   paths: [/var/log/eai/orders-*.log]
  #   decoder: { type: delimited, delimiter: '|', columns: [time, order_no, event] }
  #   mapping:
  #     transaction_id: order_no
  #     interface_id: { constant: shop-order }
  #     step: { field: event, values: { Placed: send, Routed: hub, Stored: receive, Lost: receive } }
  #     status: { field: event, values: { Lost: failed }, default: succeeded }
  #     event_time: { field: time, time: 'yyyy-MM-dd HH:mm:ss.SSS', zone: Asia/Seoul }

# What every transaction is expected to pass, unless its interface has a flow of its own.
default_flow:
  steps: [send, hub, receive]
  deadline: 1h

# flows:
#   - interface: shop-order        # exact, or a pattern: shop-*
#     steps: [send, { step: hub, deadline: 30s }, { step: receive, branches: [wms, crm] }]
#     deadline: 5m

# Transactions by HTTP, one, many and as they change: docs/api.md
api:
  host: 127.0.0.1
  port: 8090
  # keys:
  #   - name: portal
  #     key: \${PORTAL_API_KEY}

# Where everything is stored.
sinks:
  - name: clickhouse
    type: clickhouse
    url: http://127.0.0.1:8123
    database: tranweave
    retention: 90d
`;

export interface InitOptions {
  output: string;
  force?: true;
  /** A sample, whose format and meaning are guessed. */
  from?: string;
  /** Of the sample's times, if they name none. */
  zone?: string;
}

/**
 * Writes a commented config: one to begin with, or one that is guessed from a sample. Throws a FatalError when the file is there and
 * `force` is not given, or the sample cannot be read.
 */
export function init({ output, force, from, zone }: InitOptions): void {
  const text = from === undefined ? STARTER : guessed(from, zone, output);
  try {
    writeFileSync(output, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new FatalError(`${output} is there already; --force overwrites it, --output names another file`);
    }
    throw new FatalError(`${output} cannot be written`, { cause: error });
  }
  process.stdout.write(
    `${output} is written; next: tranweave validate --config ${output}, then tranweave up --config ${output}\n`,
  );
}

function guessed(file: string, zone: string | undefined, output: string): string {
  if (zone !== undefined && timeZone(zone) === undefined) {
    throw new FatalError(`${zone} is not a time zone, like Asia/Seoul, UTC or +09:00`);
  }
  // What an input is called must be short and plain: it stands in metrics and rows.
  const name =
    basename(file)
      .replace(/\..*$/, '')
      .replaceAll(/[^\w-]+/g, '-') || 'sample';
  return configText(guessInput(readBeginning(file), zone), { name, file: resolve(file), output });
}

/** One byte more than is looked at, which shows that there is more. */
function readBeginning(file: string): Buffer {
  const buffer = Buffer.alloc(SAMPLE_BYTES_MAX + 1);
  let length = 0;
  try {
    const sample = openSync(file, 'r');
    try {
      for (;;) {
        const read = readSync(sample, buffer, length, buffer.length - length, null);
        length += read;
        if (read === 0 || length === buffer.length) break;
      }
    } finally {
      closeSync(sample);
    }
  } catch (error) {
    throw new FatalError(`the sample ${file} cannot be read`, { cause: error });
  }
  if (length === 0) throw new FatalError(`the sample ${file} is empty`);
  return buffer.subarray(0, length);
}
