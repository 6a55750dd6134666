import { InvalidArgumentError, Option } from 'commander';
import { timeZone } from '../common/time-zone.ts';

/** Options that several commands have, and how values are read: what is wrong with one is told before anything is done. */

export const configOption = () => new Option('-c, --config <file>', 'the config').default('./tranweave.yml');

/** The zone that times are shown in; this machine's if it is not given. */
export const zoneOption = () =>
  new Option('--zone <zone>', 'time zone of the times shown').argParser(zone).default(ownZone());

function ownZone(): string {
  // Where TZ names none that there is, Node gives none.
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone as string | undefined;
  return name === undefined || timeZone(name) === undefined ? 'UTC' : name;
}

function zone(text: string): string {
  if (timeZone(text) !== undefined) return text;
  throw new InvalidArgumentError(`${text} is not a time zone, like Asia/Seoul, UTC or +09:00`);
}

const NUMBER_MAX = 999_999_999;

/** A number that is given in digits. */
export function wholeNumber(min: number, max = NUMBER_MAX): (text: string) => number {
  return (text) => {
    const number = /^\d+$/.test(text) ? Number(text) : -1;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** For what may be given several times. */
export function addTo(text: string, given: readonly string[]): string[] {
  return [...given, text];
}
