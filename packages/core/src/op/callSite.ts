/**
 * @file Where user code called the library. Nodes keep a cheap capture (V8 formats the text only when it is read); errors raised
 * while a graph is built get a stack that starts at the user's line.
 */

/** Directory of this package's modules, to tell its frames from the user's. */
const ownRoot = new URL('..', import.meta.url).pathname;
const siblings = /[\\/]packages[\\/](xla|layers|keras|estimators|data)[\\/](src|dist)[\\/]|[\\/]@tsflow[\\/]/;
const depth = 24;

function isLibraryFrame(line: string): boolean {
  return !line.includes('.test.') && (line.includes(ownRoot) || siblings.test(line));
}

export interface CallSite {
  readonly stack?: string;
}

/** Captures the current stack without formatting it. */
export function captureSite(): CallSite {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = depth;
  const site: { stack?: string } = {};
  Error.captureStackTrace?.(site, captureSite);
  Error.stackTraceLimit = limit;
  return site;
}

/** First frame outside the library as `fn (file:line:column)`, undefined when none was captured. */
export function userFrame(site: CallSite | undefined): string | undefined {
  const frames = site?.stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? [];
  const frame = frames.find((line) => !isLibraryFrame(line)) ?? frames[0];
  return frame?.trim().replace(/^at /, '');
}

/** Drops the library's own frames in front of the user's. */
export function trimStack(error: Error): void {
  const lines = error.stack?.split('\n') ?? [];
  const first = lines.findIndex((line) => /^\s+at /.test(line));
  const user = lines.findIndex((line, i) => i >= first && !isLibraryFrame(line));
  if (first >= 0 && user > first) error.stack = [...lines.slice(0, first), ...lines.slice(user)].join('\n');
}
