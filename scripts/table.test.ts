import { expect, test } from 'vitest';
import { table } from './table.ts';

test('columns line up, also with wide characters, and empty columns are left out', () => {
  expect(
    table(
      ['name', 'empty', 'value'],
      [
        ['주문', '', '1'],
        ['order', '', '22'],
      ],
    ),
  ).toBe(['name   value', '주문   1', 'order  22'].join('\n'));
});

test('what a log says cannot move the cursor', () => {
  expect(table(['x'], [['a\u001B[2Jb\r\nc\td']])).toBe('x\nab c d');
});
