import type { Summary } from '../common/summary.ts';
import type { Caller } from './keys.ts';

/** Which transactions are asked for. Several interfaces or statuses: any of them; several business keys: all of them. */
export interface TransactionFilter {
  interfaces: readonly string[];
  statuses: readonly string[];
  /** Name and value of a business key. */
  keys: readonly (readonly [name: string, value: string])[];
}

/** Whether a caller may see a transaction of this interface. */
export function maySee({ interfaces }: Caller, interfaceId: string): boolean {
  return interfaces === undefined || interfaces.has(interfaceId);
}

/** A test for what a caller may see of what it asks for. */
export function createFilter(
  caller: Caller,
  { interfaces, statuses, keys }: TransactionFilter,
): (summary: Summary) => boolean {
  return ({ interface_id, status, business_keys }) =>
    maySee(caller, interface_id) &&
    (interfaces.length === 0 || interfaces.includes(interface_id)) &&
    (statuses.length === 0 || statuses.includes(status)) &&
    keys.every(([name, value]) => Object.hasOwn(business_keys, name) && business_keys[name] === value);
}
