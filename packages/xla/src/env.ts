/**
 * @file The environment variables of tsflow, read in one place and typed. Where there is no process (browsers) all have their defaults;
 * `withEnv` overrides some of them for the time of a call.
 */
import { invalidArgument } from './hlo/errors.ts';

/** 1 compile events · 2 timings · 3 kernel source · 4 IR before and after · 5 each pass · 6 each rewrite */
export type DebugLevel = 0 | 1 | 2 | 3 | 4 | 5 | 6;

export interface Env {
  readonly debug: DebugLevel;
  /** Folder that receives dumps; none when undefined. */
  readonly dump: string | undefined;
  /** Names of passes that are left out. */
  readonly disabledPasses: ReadonlySet<string>;
  /** Check the module after every pass. */
  readonly verify: boolean;
  readonly backend: 'interpret' | 'wasm' | undefined;
  /** Threads of a backend; undefined: as many as the machine has. */
  readonly threads: number | undefined;
}

type Variable = 'TSFLOW_DEBUG' | 'TSFLOW_DUMP' | 'TSFLOW_PASS' | 'TSFLOW_VERIFY' | 'TSFLOW_BACKEND' | 'TSFLOW_THREADS';

/** One help line for each variable; the documentation's table is made of them. */
export const envHelp: { readonly [K in Variable]: string } = {
  TSFLOW_DEBUG:
    '0 quiet · 1 compile events · 2 timings · 3 kernel source · 4 IR before/after · 5 each pass · 6 each rewrite',
  TSFLOW_DUMP: 'folder that receives the IR of every pass and the program of every compilation as text files',
  TSFLOW_PASS: 'passes to leave out, each with a minus: -fuse,-cse',
  TSFLOW_VERIFY: '1 checks the IR after every pass; always on in tests',
  TSFLOW_BACKEND: 'interpret or wasm; default: the fastest that this machine has',
  TSFLOW_THREADS: 'number of threads of a backend, at least 1; default: the logical CPUs',
};

const overrides: Partial<Env>[] = [];

/** What is in force now. Throws InvalidArgument when a variable has no sense. */
export function env(): Env {
  return Object.assign(readEnv(variables()), ...overrides);
}

/** Runs `body` (until its promise settles, if it answers one) under other values. */
export function withEnv<T>(override: Partial<Env>, body: () => T): T {
  const own = { ...override };
  const leave = (): void => {
    overrides.splice(overrides.indexOf(own), 1);
  };
  overrides.push(own);
  let result: T;
  try {
    result = body();
  } catch (error) {
    leave();
    throw error;
  }
  if (!(result instanceof Promise)) {
    leave();
    return result;
  }
  return result.finally(leave) as T;
}

type Variables = Readonly<Record<string, string | undefined>>;

function variables(): Variables {
  return typeof process === 'object' && process !== null && process.env ? process.env : {};
}

/** Env from the text of variables. */
export function readEnv(text: Variables): Env {
  return {
    debug: readDebug(text['TSFLOW_DEBUG']),
    dump: text['TSFLOW_DUMP'] || undefined,
    disabledPasses: readPasses(text['TSFLOW_PASS']),
    verify: text['TSFLOW_VERIFY'] === undefined ? text['VITEST'] !== undefined : readFlag(text['TSFLOW_VERIFY']),
    backend: readBackend(text['TSFLOW_BACKEND']),
    threads: readThreads(text['TSFLOW_THREADS']),
  };
}

function wrong(name: Variable, value: string, expected: string): Error {
  return invalidArgument(
    `the environment variable ${name} is "${value}", expected ${expected}. ${name}: ${envHelp[name]}.`,
  );
}

function readDebug(value = '0'): DebugLevel {
  if (/^[0-6]?$/.test(value)) return Number(value) as DebugLevel;
  throw wrong('TSFLOW_DEBUG', value, 'a number from 0 to 6');
}

function readPasses(value = ''): ReadonlySet<string> {
  const names = value.split(',').filter((part) => part !== '');
  for (const name of names)
    if (!/^-[\w-]+$/.test(name)) throw wrong('TSFLOW_PASS', value, 'names of passes with a minus, like -fuse,-cse');
  return new Set(names.map((name) => name.slice(1)));
}

function readFlag(value: string): boolean {
  if (value === '0' || value === '1' || value === '') return value === '1';
  throw wrong('TSFLOW_VERIFY', value, '0 or 1');
}

function readBackend(value: string | undefined): Env['backend'] {
  if (value === undefined || value === '') return undefined;
  if (value === 'interpret' || value === 'wasm') return value;
  throw wrong('TSFLOW_BACKEND', value, 'interpret or wasm');
}

function readThreads(value: string | undefined): number | undefined {
  if (value === undefined || value === '') return undefined;
  const n = Number(value);
  if (Number.isInteger(n) && n >= 1 && n <= 256) return n;
  throw wrong('TSFLOW_THREADS', value, 'a whole number from 1 to 256');
}
