/**
 * @file The table: one row a case and thread count, one column a peer; medians, our ratio to each peer, and how near we
 * come to what the machine can do. It is Markdown, aligned so that it reads well in a terminal too.
 */
import { cases, limitsCase } from './cases.ts';
import { isMeasured, type Line, limitsOf, type Measured } from './measurement.ts';

/** The column that all others are compared with. */
const ours = 'tsflow';

type Cells = readonly string[];

/** A figure at three digits: 0.0123, 1.23, 12.3, 123, 1234. */
export function figure(x: number): string {
  return x >= 100 ? x.toFixed(0) : x.toPrecision(3);
}

/** Rows of equal length as an aligned Markdown table; the first `left` columns are left-aligned, the others right. */
export function markdownTable(header: Cells, rows: readonly Cells[], left: number): string {
  const widths = header.map((title, i) => Math.max(3, title.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: Cells) => {
    const padded = widths.map((width, i) => {
      const text = cells[i] ?? '';
      return i < left ? text.padEnd(width) : text.padStart(width);
    });
    return `| ${padded.join(' | ')} |`;
  };
  const rule = widths.map((width, i) => (i < left ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(header), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

const unique = <T>(values: readonly T[]): readonly T[] => [...new Set(values)];

/** Lines of the cases (not of the limits), in table order: known cases first, in their own order. */
function caseNames(lines: readonly Line[]): readonly string[] {
  const names = unique(lines.map((line) => line.case)).filter((name) => name !== limitsCase && name !== 'all');
  const order = new Map(cases.map((c, i) => [c.name, i]));
  const rank = (name: string) => order.get(name) ?? cases.length;
  return [...names].sort((a, b) => rank(a) - rank(b));
}

/** Of several measurements of the same thing, the one with the lowest median: noise only ever adds. */
function bestOf(lines: readonly Line[], caseName: string, threads: number): ReadonlyMap<string, Measured> {
  const best = new Map<string, Measured>();
  for (const line of lines) {
    if (!isMeasured(line) || line.case !== caseName || line.threads !== threads || line.metric !== 'time') continue;
    const before = best.get(line.peer);
    if (!before || line.median < before.median) best.set(line.peer, line);
  }
  return best;
}

/** The measured bound of a line's rate: peak FMA rate for FLOPs, the best memory bandwidth for bytes. */
export function boundOf(line: Measured, limits: ReadonlyMap<string, Measured>): number | null {
  if (line.rate_unit === 'GFLOP/s') return limits.get('peak-f32-fma')?.max ?? null;
  const bandwidths = [...limits.values()].filter(({ unit }) => unit === 'GB/s').map(({ max }) => max);
  return line.rate_unit === 'GB/s' && bandwidths.length > 0 ? Math.max(...bandwidths) : null;
}

function shareOf(line: Measured | undefined, limits: ReadonlyMap<string, Measured>): string {
  const bound = line && boundOf(line, limits);
  if (!line?.rate || !bound) return '';
  return `${((100 * line.rate) / bound).toFixed(0)} %`;
}

/** A peer's median and, in brackets, our time as a multiple of it. */
function peerCell(line: Measured | undefined, own: Measured | undefined): string {
  if (!line) return '–';
  return own && line.peer !== ours
    ? `${figure(line.median)} (${figure(own.median / line.median)}×)`
    : figure(line.median);
}

function timesTable(lines: readonly Line[]): string | null {
  const names = caseNames(lines);
  const peers = unique(lines.filter((line) => line.case !== limitsCase && isMeasured(line)).map((line) => line.peer));
  const columns = [ours, ...peers.filter((peer) => peer !== ours)];
  const rows: Cells[] = [];
  for (const name of names) {
    const threadCounts = unique(lines.filter((line) => line.case === name).map((line) => line.threads));
    for (const threads of [...threadCounts].sort((a, b) => a - b)) {
      const best = bestOf(lines, name, threads);
      const own = best.get(ours);
      const any = own ?? [...best.values()][0];
      if (!any) continue;
      const share = shareOf(own, limitsOf(lines, threads));
      rows.push([name, `${threads}`, any.unit, ...columns.map((peer) => peerCell(best.get(peer), own)), share]);
    }
  }
  return rows.length > 0 ? markdownTable(['case', 'threads', 'unit', ...columns, 'of limit'], rows, 1) : null;
}

function limitsTable(lines: readonly Line[]): string | null {
  const threadCounts = unique(
    lines.filter((line) => line.case === limitsCase && isMeasured(line)).map((l) => l.threads),
  );
  const rows = threadCounts.flatMap((threads) =>
    [...limitsOf(lines, threads).values()].map(({ metric, unit, median, max }): Cells => {
      return [metric, unit, `${threads}`, figure(median), figure(max)];
    }),
  );
  return rows.length > 0 ? markdownTable(['limit', 'unit', 'threads', 'median', 'best'], rows, 2) : null;
}

function cannotList(lines: readonly Line[]): string | null {
  const items = lines.flatMap((line) => {
    if (isMeasured(line)) return [];
    const where = line.threads > 0 ? `${line.case}, ${line.threads} thread${line.threads > 1 ? 's' : ''}` : line.case;
    return [`- ${line.peer} (${where}): ${line.cannot}`];
  });
  return items.length > 0 ? `Not measured:\n\n${items.join('\n')}` : null;
}

const legend =
  'Median times; lower is better. In brackets: tsflow’s time as a multiple of that peer’s (below 1: tsflow is faster). ' +
  'Of limit: tsflow’s best rate as a share of the machine’s measured peak (FMA rate for FLOPs, memory bandwidth for bytes).';

/** Markdown of all lines of a run: times, limits, and what could not be measured. */
export function report(lines: readonly Line[], { reasons = true }: { readonly reasons?: boolean } = {}): string {
  const times = timesTable(lines);
  const parts = [times, times && legend, limitsTable(lines), reasons ? cannotList(lines) : null];
  return parts.filter((part) => part !== null).join('\n\n');
}
