import { writeFileSync } from 'node:fs';
import { FatalError } from '../../common/errors.ts';

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

/** Writes a commented config. Throws a FatalError when the file is there and `force` is not given. */
export function init({ output, force }: { output: string; force?: true }): void {
  try {
    writeFileSync(output, STARTER, { flag: force ? 'w' : 'wx' });
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
