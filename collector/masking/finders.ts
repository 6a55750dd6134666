import { checkedPattern } from '../pattern.ts';

/**
 * What looks like somebody's number or address in a text. Every expression here takes a bounded number of steps for each
 * character, and users' own are RE2, so that no text can make them slow.
 */

export interface Found {
  start: number;
  end: number;
  /** What it says, without how it is written: the same for `4111-1111-…` and `4111 1111 …`. */
  plain: string;
}

/** What is found, from the beginning on, without overlaps. */
export type Finder = (text: string) => Found[];

export const KNOWN = ['resident-number', 'card', 'phone', 'email'] as const;
export type Known = (typeof KNOWN)[number];

/** A date of birth, and a digit for century and sex. Those of after 2020 have no check digit, so none is looked at. */
const RESIDENT_NUMBER = /(?<!\d)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[- ]?\d{7}(?!\d)/g;
/** Korean numbers with and without their country, and others with theirs. */
const PHONE =
  /(?<![\d+])(?:(?:\+82[- ]?\(?0?\)?|0)(?:1[016-9]|2|[3-6][1-5]|70|50\d)[-. )]?\d{3,4}[-. ]?\d{4}|\+[1-9]\d{0,2}(?:[-. ]?\d{2,4}){2,4})(?!\d)/g;
const PHONE_DIGITS_MIN = 8;
const EMAIL = /[\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/gu;

const digitsOf = (text: string) => text.replaceAll(/\D/g, '');

const FINDERS: Readonly<Record<Known, Finder>> = {
  'resident-number': (text) => findAll(text, RESIDENT_NUMBER, digitsOf),
  card: findCards,
  phone: (text) => findAll(text, PHONE, digitsOf).filter(({ plain }) => plain.length >= PHONE_DIGITS_MIN),
  email: (text) => findAll(text, EMAIL, (found) => found.toLowerCase()),
};

export function knownFinder(name: Known): Finder {
  return FINDERS[name];
}

/** Of a user's pattern that was checked. */
export function patternFinder(pattern: string): Finder {
  const compiled = checkedPattern(pattern);
  return (text) => {
    const matcher = compiled.matcher(text);
    const found: Found[] = [];
    while (matcher.find()) {
      const [start, end] = [matcher.start(), matcher.end()];
      if (end > start) found.push({ start, end, plain: text.slice(start, end) });
    }
    return found;
  };
}

function findAll(text: string, pattern: RegExp, plainOf: (found: string) => string): Found[] {
  return [...text.matchAll(pattern)].map(({ 0: found, index }) => ({
    start: index,
    end: index + found.length,
    plain: plainOf(found),
  }));
}

const CARD_DIGITS_MIN = 13;
const CARD_DIGITS_MAX = 19;
/** Beginnings that issuers have: a time of 17 digits is no card, whatever its check digit. */
const CARD = /^(?:4|5[0-8]|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)|3[0-9]|6|9[0-9])/;

/** Groups of digits that are a card's number together. */
function findCards(text: string): Found[] {
  const found: Found[] = [];
  for (const run of text.matchAll(/\d+(?:[- ]\d+)*/g)) {
    if (run[0].length < CARD_DIGITS_MIN) continue;
    const groups = [...run[0].matchAll(/\d+/g)].map(({ 0: digits, index }) => ({
      digits,
      start: run.index + index,
    }));
    for (let first = 0; first < groups.length; first += 1) {
      const last = endOfCard(groups, first);
      if (last === undefined) continue;
      const card = groups.slice(first, last + 1);
      const { start, digits } = card.at(-1) ?? { start: 0, digits: '' };
      found.push({
        start: card[0]?.start ?? 0,
        end: start + digits.length,
        plain: card.map((group) => group.digits).join(''),
      });
      first = last;
    }
  }
  return found;
}

/** The last of the groups that make a card's number with the first one; undefined if none does. */
function endOfCard(groups: readonly { digits: string }[], first: number): number | undefined {
  let number = '';
  for (let last = first; last < groups.length; last += 1) {
    const { digits = '' } = groups[last] ?? {};
    if (number.length + digits.length > CARD_DIGITS_MAX) return undefined;
    number += digits;
    if (number.length >= CARD_DIGITS_MIN && CARD.test(number) && passesLuhn(number)) return last;
  }
  return undefined;
}

/** ISO/IEC 7812-1, annex B */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let place = 0; place < digits.length; place += 1) {
    const digit = Number(digits[digits.length - 1 - place]);
    const doubled = place % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
