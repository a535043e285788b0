/**
 * @file The lines that every measuring process prints: one JSON object a measurement, or one that says why there is none.
 *
 * The figures are those of one call, at four significant digits; `rate` is `work / min`.
 */
import { type Case, limitsCase, type TimeUnit } from './cases.ts';

/** A measured case. For the case `limits`, figures are rates instead of times. */
export interface Measured {
  readonly case: string;
  readonly peer: string;
  readonly threads: number;
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  readonly runs: number;
  readonly min: number;
  readonly median: number;
  readonly max: number;
  readonly rate?: number;
  readonly rate_unit?: string;
  readonly work?: number;
}

/** A case that a peer could not run. `case: 'all'` and `threads: 0` stand for the whole run. */
export interface Cannot {
  readonly case: string;
  readonly peer: string;
  readonly threads: number;
  readonly cannot: string;
}

export type Line = Measured | Cannot;

/** Who measures what, with how many threads. */
export interface Subject {
  readonly peer: string;
  readonly threads: number;
}

export const isMeasured = (line: Line): line is Measured => !('cannot' in line);

/** Milliseconds in a unit's terms. */
export const perMillisecond: Readonly<Record<TimeUnit, number>> = { s: 1e-3, ms: 1, us: 1e3 };

/** `x` at four significant digits. */
export const significant = (x: number): number => Number(x.toPrecision(4));

/** The line of a case from its run times in milliseconds per call. */
export function measured(c: Case, subject: Subject, times: readonly number[]): Measured {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (i: number) => {
    const time = sorted[i];
    if (time === undefined) throw new Error(`internal: ${c.name} has no run times`);
    return significant(time * perMillisecond[c.unit]);
  };
  const median = at(sorted.length >> 1);
  return {
    case: c.name,
    peer: subject.peer,
    threads: subject.threads,
    metric: 'time',
    value: median,
    unit: c.unit,
    runs: sorted.length,
    min: at(0),
    median,
    max: at(sorted.length - 1),
    rate: significant(c.work / (sorted[0] ?? Number.NaN) / 1e6),
    rate_unit: c.rateUnit,
    work: c.work,
  };
}

/** The line of a case that failed; only the first line of the reason, at most 200 characters. */
export function cannot(caseName: string, subject: Subject, reason: unknown): Cannot {
  const text = (reason instanceof Error ? reason.message : String(reason)).trim().split('\n')[0] ?? '';
  return {
    case: caseName,
    peer: subject.peer,
    threads: subject.threads,
    cannot: (text || 'no reason given').slice(0, 200),
  };
}

const numbers = ['value', 'runs', 'min', 'median', 'max'] as const;

/** Reads a line of output; `null` for anything that is not a measurement (libraries like to chat on stdout). */
export function parseLine(text: string): Line | null {
  if (!text.startsWith('{')) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return isLine(value) ? value : null;
}

function isLine(value: unknown): value is Line {
  if (typeof value !== 'object' || value === null) return false;
  const record = new Map(Object.entries(value));
  const is = (key: string, type: string) => typeof record.get(key) === type;
  if (!is('case', 'string') || !is('peer', 'string') || !is('threads', 'number')) return false;
  return (
    is('cannot', 'string') || (is('metric', 'string') && is('unit', 'string') && numbers.every((k) => is(k, 'number')))
  );
}

/** The best rate of each limit of the machine (`peak-f32-fma`, `memcpy` …) by thread count. */
export function limitsOf(lines: readonly Line[], threads: number): ReadonlyMap<string, Measured> {
  const found = new Map<string, Measured>();
  for (const line of lines) {
    if (!isMeasured(line) || line.case !== limitsCase || line.threads !== threads) continue;
    const before = found.get(line.metric);
    if (!before || line.max > before.max) found.set(line.metric, line);
  }
  return found;
}
