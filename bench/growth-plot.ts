import { AXES, GROWTH_AIM, PARTS_OF_COST, pointsOf } from './growth-report.ts';
import type { Axis, Cost, Point } from './growth-report.ts';
import { whole } from './report.ts';

/**
 * The tables of `growth` as a picture: a panel for what grows, a column for each size, in it what each part costs. One scale for all, from 0, so that columns
 * compare by their height. Colours of Okabe and Ito, which the colour-blind can tell apart.
 */

const WIDTH = 960;
const HEIGHT = 420;
const PLOT = { left: 56, right: 944, top: 92, bottom: 352 };
const PANEL_GAP = 36;
const PANEL_WIDTH = (PLOT.right - PLOT.left - PANEL_GAP * (AXES.length - 1)) / AXES.length;

// Plain colours and no variables: not every viewer of SVG knows those.
const STYLE = `
  text { font: 13px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .total { font-weight: 600; paint-order: stroke; stroke: #ffffff; stroke-width: 4px; }
  .faint { fill: #59636e; }
  .ground { fill: #ffffff; }
  .rule { stroke: #d1d9e0; }
  .axis { stroke: #1f2328; }
  .aim { stroke: #1f2328; stroke-width: 1.5; stroke-dasharray: 5 4; }
  .collector { fill: #0072b2; } .processors { fill: #e69f00; } .sinks { fill: #009e73; } .redis { fill: #d55e00; } .clickhouse { fill: #cc79a7; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; } .faint { fill: #9198a1; } .ground { fill: #0d1117; }
    .rule { stroke: #3d444d; } .axis, .aim { stroke: #f0f6fc; } .total { stroke: #0d1117; }
  }
`;

const NAMES: Record<(typeof PARTS_OF_COST)[number], string> = {
  collector: 'collector',
  processors: 'processors',
  sinks: 'sinks',
  redis: 'Redis',
  clickhouse: 'ClickHouse',
};

export function growthPlot(points: readonly Point[]): string {
  const highest = Math.max(
    ...points.map(({ cost }) => cost.all),
    ...points.filter(({ factor }) => factor === 1).map(({ cost }) => cost.all * GROWTH_AIM),
  );
  const step = stepFor(highest);
  const top = Math.ceil((highest * 1.08) / step) * step;
  const yOf = (micros: number) => PLOT.bottom - (micros / top) * (PLOT.bottom - PLOT.top);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="CPU per log as work grows tenfold">`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" width="${WIDTH}" height="${HEIGHT}" rx="8"/>`,
    text(PLOT.left, 32, 'CPU per log as work grows tenfold, in µs', 'title'),
    legend(),
    ...rules(top, step, yOf),
    ...AXES.map((axis, index) =>
      panel(pointsOf(axis, points), PLOT.left + index * (PANEL_WIDTH + PANEL_GAP), axis, yOf),
    ),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

/** 1, 2 or 5 times a power of ten, so that there are some five rules. */
function stepFor(highest: number): number {
  const power = 10 ** Math.floor(Math.log10(highest / 5));
  return ([1, 2, 5].find((times) => times * power >= highest / 5) ?? 10) * power;
}

function legend(): string {
  let x = PLOT.left;
  const entries = PARTS_OF_COST.map((part) => {
    const entry =
      `<rect class="${part}" x="${x}" y="49" width="12" height="12" rx="2"/>` + text(x + 18, 60, NAMES[part]);
    x += 40 + NAMES[part].length * 8;
    return entry;
  });
  const aim =
    `<line class="aim" x1="${x}" x2="${x + 24}" y1="55" y2="55"/>` +
    text(x + 30, 60, `aim: ${GROWTH_AIM} × the small case`);
  return [...entries, aim].join('');
}

function rules(top: number, step: number, yOf: (micros: number) => number): string[] {
  const found: string[] = [];
  for (let micros = 0; micros <= top + step / 2; micros += step) {
    const y = round(yOf(micros));
    const kind = micros === 0 ? 'axis' : 'rule';
    found.push(`<line class="${kind}" x1="${PLOT.left}" x2="${PLOT.right}" y1="${y}" y2="${y}"/>`);
    found.push(text(PLOT.left - 8, y + 4, String(round(micros)), 'faint', 'end'));
  }
  return found;
}

function panel(points: readonly Point[], left: number, axis: Axis, yOf: (micros: number) => number): string {
  const slot = PANEL_WIDTH / Math.max(points.length, 1);
  const middleOf = (index: number) => left + slot * (index + 0.5);
  const small = points[0]?.cost.all ?? 0;
  const y = round(yOf(small * GROWTH_AIM));
  return [
    ...points.map(({ cost }, index) => column(cost, middleOf(index), slot * 0.56, yOf)),
    `<line class="aim" x1="${round(left)}" x2="${round(left + PANEL_WIDTH)}" y1="${y}" y2="${y}"/>`,
    ...points.map(({ size, cost }, index) => {
      const ratio = index === 0 ? '' : ` (×${(cost.all / small).toFixed(2)})`;
      const total = `${cost.all.toFixed(1)}${ratio}`;
      return (
        text(middleOf(index), yOf(cost.all) - 6, total, 'total', 'middle') +
        text(middleOf(index), PLOT.bottom + 20, whole(size), 'faint', 'middle')
      );
    }),
    text(left + PANEL_WIDTH / 2, HEIGHT - 20, axis, 'total', 'middle'),
  ].join('\n');
}

/** What each part costs, one upon the other. */
function column(cost: Cost, middle: number, width: number, yOf: (micros: number) => number): string {
  let below = 0;
  const pieces = PARTS_OF_COST.map((part) => {
    const [from, to] = [yOf(below), yOf(below + cost[part])];
    below += cost[part];
    const told = `${NAMES[part]}: ${cost[part].toFixed(1)} µs`;
    return `<rect class="${part}" x="${round(middle - width / 2)}" y="${round(to)}" width="${round(width)}" height="${round(from - to)}"><title>${told}</title></rect>`;
  });
  return pieces.join('');
}

function text(
  x: number,
  y: number,
  words: string,
  kind = '',
  anchor: 'start' | 'middle' | 'end' = 'start',
): string {
  const named = kind === '' ? '' : ` class="${kind}"`;
  return `<text${named} x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${words}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
