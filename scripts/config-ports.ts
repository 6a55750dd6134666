import * as v from 'valibot';
import { pathTo } from '../common/config-values.ts';

/** Ports that one process would take twice: known before it is started. Other processes may run on other machines. */

interface Address {
  host: string;
  port: number;
}

interface Listening {
  inputs: readonly ({ type: string } | ({ type: 'http' } & Address))[];
  collector: { admin: Address };
  api?: Address & { admin: Address };
}

type Path = [string | number, ...(string | number)[]];

interface Place extends Address {
  path: Path;
  /** The path as it is told. */
  key: string;
}

/** Refuses a config whose collector, or api, could not listen on all that it is to. The mistake is shown at the later one. */
export const portsApart = <T extends Listening>() =>
  v.rawCheck<T>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    for (const places of placesOf(dataset.value)) {
      places.forEach((place, index) => {
        const taken = places.slice(0, index).find((earlier) => collide(earlier, place));
        if (taken === undefined) return;
        addIssue({
          message: `is ${place.port}, which is taken already by ${taken.key} on ${taken.host}`,
          path: pathTo(dataset.value, ...place.path),
        });
      });
    }
  });

/** What each process listens on. */
function placesOf({ inputs, collector, api }: Listening): Place[][] {
  const ofInputs = inputs.flatMap((input, index) =>
    'port' in input ? [place(input, `inputs[${index}].port`, ['inputs', index, 'port'])] : [],
  );
  const admin = place(collector.admin, 'collector.admin.port', ['collector', 'admin', 'port']);
  if (api === undefined) return [[...ofInputs, admin]];
  const ofApi = [
    place(api, 'api.port', ['api', 'port']),
    place(api.admin, 'api.admin.port', ['api', 'admin', 'port']),
  ];
  return [[...ofInputs, admin], ofApi];
}

function place({ host, port }: Address, key: string, path: Path): Place {
  return { host, port, key, path };
}

function collide(one: Address, other: Address): boolean {
  // 0 is any that is free.
  if (one.port === 0 || one.port !== other.port) return false;
  return one.host === other.host || covers(one.host, other.host) || covers(other.host, one.host);
}

/** Whether listening on the address is to listen on the other one as well; of names it is not known what they stand for. */
function covers(wildcard: string, host: string): boolean {
  return wildcard === '::' || (wildcard === '0.0.0.0' && /^[\d.]+$/.test(host));
}
